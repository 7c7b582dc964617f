"""What every room stands on: exceptions, files, checks, random numbers, arrays, code hash, compiling.

Import from the submodules; this package re-exports nothing and knows no other room.
"""
