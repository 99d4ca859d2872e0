"""Why a model predicts what it predicts: LIME and SHAP, from one document to a whole test split.

Explainers never see the network. They see a `Scorer`, and of it only the labels they ask for.
"""
