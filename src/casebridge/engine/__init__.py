"""Who converges refs, and when: claims, the convergence itself, and the engines that drive it."""
