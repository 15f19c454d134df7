"""Other packages' names and shapes over our rooms: for projects that move in from them.

Nothing outside of this package knows that it exists.
"""
