"""Every architecture, as small as it can be: what each promises is tested on all of them."""

from toys import split_of

LABELS = 19
SPLIT = split_of(
    [[1, 2, 3, 4, 5], [6, 7, 6], [8], [2, 9, 9, 3, 10, 11, 12], [5, 13], [14, 15, 1]],
    [[3, 5], [0], [18, 2, 7], [], [11], [3, 12]],
)

BODY = {"width": 6, "layers": 2, "heads": 3, "inner": 8}
ARCHITECTURES = {
    "xml_cnn": ("xml_cnn", {"windows": [1, 3], "filters": 4, "chunks": 2, "hidden": 6}),
    "attention_xml": ("attention_xml", {"lstm": 4, "hidden": [5, 3]}),
    "attention_xml_tree": ("attention_xml", {"lstm": 4, "hidden": [5], "tree": [2, 8], "candidates": 8}),
    "bag_of_words": ("bag_of_words", {}),
    "mach": ("mach", {"repetitions": 3, "buckets": 7, "encoder": {"bag_of_words": {}}}),
    "mach_attention_xml": (
        "mach",
        {
            "repetitions": 2,
            "buckets": 9,
            "merge": "geometric_mean",
            "encoder": {"attention_xml": {"lstm": 4, "hidden": [5], "tree": [4], "candidates": 4}},
        },
    ),
    "aplc_xlnet": ("aplc_xlnet", {"checkpoint": "none", "body": BODY, "hidden": 6, "clusters": [0.2, 0.5]}),
    "aplc_bert": ("aplc_bert", {"checkpoint": "none", "body": BODY, "hidden": 6, "clusters": [0.2, 0.5]}),
    "sentence_encoder": (
        "sentence_encoder",
        {"checkpoint": "none", "layers": 2, "body": BODY, "neighbours": 3, "linear_share": 0.4},
    ),
    "ensemble": (
        "ensemble",
        {
            "members": [
                {"width": 4, "encoder": {"aplc_bert": {"checkpoint": "none", "body": BODY | {"width": 4, "heads": 1}}}},
                {"width": 2, "encoder": {"attention_xml": {"lstm": 4, "hidden": [5], "tree": [4], "candidates": 4}}},
            ]
        },
    ),
    "ensemble_with_ridge": (
        "ensemble",
        {
            "members": [
                {"width": 4, "encoder": {"xml_cnn": {"windows": [1, 3], "filters": 4, "chunks": 2, "hidden": 6}}},
                {"width": 2, "trained": False, "encoder": {"bag_of_words": {"ridge": 1.0}}},
            ]
        },
    ),
    "wide_and_deep": (
        "wide_and_deep",
        {
            "members": [
                {"width": 4, "encoder": {"xml_cnn": {"windows": [1, 3], "filters": 4, "chunks": 2, "hidden": 6}}},
                {"width": 2, "encoder": {"bag_of_words": {}}},
            ]
        },
    ),
    "wide_and_deep_attention_xml": (
        "wide_and_deep",
        {
            "members": [
                {"width": 4, "encoder": {"attention_xml": {"lstm": 4, "hidden": [5]}}},
                {"width": 2, "encoder": {"bag_of_words": {}}},
            ]
        },
    ),
    "mach_aplc_xlnet": (
        "mach",
        {
            "repetitions": 3,
            "buckets": 8,
            "encoder": {"aplc_xlnet": {"checkpoint": "none", "body": BODY | {"width": 2, "heads": 1}, "hidden": 6}},
        },
    ),
    "mach_xml_cnn": (
        "mach",
        {
            "repetitions": 2,
            "buckets": 5,
            "encoder": {"xml_cnn": {"filters": 4, "hidden": 5, "initialisation": "kaiming"}},  # no windows that tie
        },
    ),
}
