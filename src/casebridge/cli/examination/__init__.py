"""`casebridge doctor`: what is looked at, and what is made of what is found."""
