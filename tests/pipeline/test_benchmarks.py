import pytest
import torch
from torch.nn import functional

from measure import compare
from peers import installed_peers
from plain import PlainXMLCNN, backward
from processes import differing
from toys import labels_of
from xmlcore.config.architectures import XMLCNNNetwork
from xmlcore.config.params import Regime
from xmlcore.models.xml_cnn.model import XMLCNN
from xmlcore.training.adversarial import Reduction, hybrid_backward

LENGTH, LABELS = 12, 5


def twins(chunks: int) -> tuple[XMLCNN, PlainXMLCNN]:
    torch.manual_seed(0)
    vectors = functional.normalize(torch.randn(30, 6))
    vectors[0] = 0
    network = XMLCNNNetwork(windows=[2, 4, 8], filters=7, chunks=chunks, hidden=9, dropout=0.0)
    model = XMLCNN(vectors, LABELS, network).double()
    for parameter in (model.kernel, model.bias):
        torch.nn.init.normal_(parameter)
    return model, PlainXMLCNN(model).double()


@pytest.mark.parametrize("chunks", [1, 2, 3])
@pytest.mark.parametrize("weight", [0.0, 0.3])
def test_the_reference_of_the_benchmarks_is_the_same_model_with_the_same_gradients(chunks, weight):
    ours, plain = twins(chunks)
    tokens = torch.randint(1, 30, (4, LENGTH))  # no padding: the reference would convolve it
    labels = labels_of([0, 2], [], [1], [0, 3, 4])
    regime = Regime(epsilon=0.5, adversarial_weight=weight, adversarial_share=1.0, squeeze="none")
    torch.testing.assert_close(ours(tokens), plain(tokens))
    hybrid_backward(ours, tokens, labels, regime, Reduction("document"))
    backward(plain, tokens, labels.targets(labels.ids, LABELS), regime)
    torch.testing.assert_close(ours.embedding.weight.grad.to_dense(), plain.embedding.weight.grad)
    torch.testing.assert_close(ours.output.weight.grad, plain.output.weight.grad)
    kernels = [convolution.weight.grad.permute(1, 2, 0) for convolution in plain.convolutions]
    torch.testing.assert_close(ours.kernel.grad, torch.cat(kernels, 1))


def test_sides_are_measured_in_turns_after_a_turn_unmeasured():
    calls = []
    row = compare("x", lambda: calls.append("ours"), lambda: calls.append("reference"), repeats=3)
    assert calls == ["ours", "reference"] * 4
    assert row.ratio == pytest.approx(row.reference / row.ours)
    assert row.repeats == 3


def test_a_byte_that_differs_is_seen_and_timings_are_not(tmp_path):
    for name, content in (("one", b"same"), ("other", b"some")):
        for file in ("models/file", "results/timing.json"):
            (tmp_path / name / file).parent.mkdir(parents=True)
            (tmp_path / name / file).write_bytes(content)
        (tmp_path / name / "metrics.json").write_bytes(b"{}")
    (tmp_path / "one" / "alone").write_bytes(b"")
    assert differing(tmp_path / "one", tmp_path / "other") == ["models/file", "alone"]
    assert differing(tmp_path / "one", tmp_path / "one") == []


def test_a_peer_that_is_installed_has_the_shape_of_ours():
    pytest.importorskip("libmultilabel")
    ours, _ = twins(chunks=2)
    for _, peer in installed_peers(ours.float()):
        logits = peer(torch.randint(1, 30, (4, LENGTH)))
        assert logits.shape == (4, LABELS)
        assert sum(p.numel() for p in peer.parameters()) == sum(p.numel() for p in ours.parameters())
