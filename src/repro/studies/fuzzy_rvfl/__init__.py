"""Random-vector networks with class weights, fuzzy scores and a graph, each by itself and against plain baselines.

After Ganaie and colleagues (2023), on the two-class sets of KEEL by families that share rows.
"""

CHAPTER = "closed_form"
