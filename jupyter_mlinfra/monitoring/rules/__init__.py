"""Rules of monitors: what they are, their files, how they are evaluated, exported and
back-tested.
"""
