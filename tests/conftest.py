"""With this file the folder is on the path of every test, so that rooms can share ``measure_helpers``."""
