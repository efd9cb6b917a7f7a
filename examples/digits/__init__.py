"""Which features and which model read handwritten digits best?

    Digits -> Split -> Features -> Classifier -> Report
    (data)   (data)   (features)   (models)    (report)

`pipeline` says which of them there are; `python -m examples.digits` computes what is missing and prints what it did.
"""
