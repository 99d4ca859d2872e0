"""Why a model predicts what it predicts: LIME, SHAP and Integrated Gradients, from one document to a whole test split.

Explainers never see the network. LIME and SHAP see a `Scorer`, Integrated Gradients a `Differentiable`, and of it only
the labels they ask for.
"""
