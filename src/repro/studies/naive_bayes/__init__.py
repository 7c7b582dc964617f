"""How many examples naive Bayes needs, how many logistic regression, and what the answer assumes.

After Zheng and colleagues (2023), who let the dimension grow; to which we add a problem that stays equally hard.
"""

CHAPTER = "closed_form"
