"""What the service does: each module is one verb of the product, in one transaction.

Services know tables and the contract; they know neither HTTP requests nor any vendor by name.
"""
