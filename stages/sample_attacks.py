"""Choose what word attacks aim at, for all models: `python stages/sample_attacks.py tibkat xml_cnn clean bce`.

Reads the predictions of the model that must be right about it, of the REGIME and LOSS given, and
data/CORPUS/encoded/MODEL. Writes, into attacks/CORPUS/MODEL/targets/, the documents and labels of every goal,
targets.json, and the clusters of like labels, clusters.json, for targets that are near a document.
"""

from xmlcore.common.cli import run


def main(corpus: str, model: str, regime: str, loss: str) -> None:
    """Choose the documents and labels of CORPUS that word attacks on MODEL, trained in any way, aim at."""
    from xmlcore.attacks.words.clusters import label_clusters
    from xmlcore.attacks.words.sampling import draw_samples, write_samples
    from xmlcore.common import paths
    from xmlcore.common.files import atomic_directory, write_json
    from xmlcore.config.params import load_params
    from xmlcore.data.dataset import load_encoded
    from xmlcore.data.propensity import label_frequencies
    from xmlcore.ranking.predictions import predictions_of

    params = load_params()
    data = load_encoded(paths.encoded(corpus, model))
    predictions = predictions_of(data, paths.predictions(corpus, model, regime, loss))
    training = data.train_and_validation
    labels = len(data.label_names)
    clusters = label_clusters(training, labels, params.words.cluster_labels, params.seed)
    frequencies = label_frequencies(training, labels=labels)
    samples = draw_samples(data.splits["test"], predictions.labels, frequencies, clusters, params.words, params.seed)
    with atomic_directory(paths.targets(corpus, model)) as folder:
        write_samples(samples, folder / "targets.json")
        names = [[data.label_names[label] for label in members] for members in clusters]
        write_json(folder / "clusters.json", names)


if __name__ == "__main__":
    run(main)
