"""Class means and one shared covariance on frozen features, against trained heads.

After Wang and colleagues (2024), who put such a classifier beside the text classifier of CLIP. There is no CLIP here:
only the part that is computed from features is.
"""

CHAPTER = "closed_form"
