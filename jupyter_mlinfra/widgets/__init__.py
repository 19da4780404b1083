"""How the records of the workbench are displayed: the same few facts and columns in a notebook, in
a widget and on the command line.
"""
