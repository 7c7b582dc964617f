"""Which metric of a confusion matrix keeps fraud detectors in order when frauds are rare and labels contain errors.

After Kulatilleke and Samarakoon (2022).
"""

CHAPTER = "one_number"
