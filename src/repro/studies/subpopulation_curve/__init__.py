"""How accuracy on a minority goes with accuracy on the majority over many models, with and without a spurious cue.

After Liang, Mao, Kwon, Yang and Zou (2023).
"""

CHAPTER = "one_number"
