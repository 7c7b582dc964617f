"""What is fixed before anything runs: experiments, cells, claims, seeds, exceptions.

Import from the submodules; this package re-exports nothing, so that the code hash of an experiment
covers only the modules that it really uses.
"""
