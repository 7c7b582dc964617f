"""How far one person's predicted risk moves among logistic models whose loss is within one per cent of the least.

After Watson-Daniels, Parkes and Ustun (2022).
"""

CHAPTER = "one_number"
