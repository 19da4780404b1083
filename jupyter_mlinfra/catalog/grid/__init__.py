"""The grid: rows of a table or a frame, filtered, sorted and grouped, and the code of them."""
