import hashlib
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading

import huggingface_hub
import pandas as pd
import pytest
import torch
from huggingface_hub import logging as hub_logging
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file
from transformers import AutoModelForSequenceClassification, BertForMaskedLM, T5Config, T5ForSequenceClassification

from sentiment_kit.errors import ModelError, Note
from sentiment_kit.hub import DEFAULT_MODEL, DEMO_FOLDER, find_folder
from sentiment_kit.inference import predict
from sentiment_kit.labels import LABELS
from sentiment_kit.model import load_model, load_tokenizer
from sentiment_kit.provenance import model_record


def _edit_config(folder, **changes):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **changes}))


def test_the_hub_layout_loads_cased_with_its_accents(hub_folder):
    assert (hub_folder / "tokenizer_config.json").stat().st_size == 40
    assert sorted(path.name for path in hub_folder.iterdir()) == [
        "config.json",
        "pytorch_model.bin",
        "tokenizer_config.json",
        "vocab.txt",
    ]
    model = load_model(hub_folder, device="cpu")
    assert model.labels == LABELS
    assert model.max_tokens == 512
    assert model.dtype == torch.float32
    assert not model.network.training
    assert model.revision is None
    pieces = "".join(model.tokenizer.tokenize("Perché Così è")).replace("##", "")
    assert pieces == "PerchéCosìè"


def test_case_and_accents_change_the_input(tiny_model):
    ids = {text: tuple(tiny_model.tokenizer(text)["input_ids"]) for text in ("papà è qui", "papa e qui", "PAPÀ È QUI")}
    assert len(set(ids.values())) == 3


def test_safetensors_come_first(hub_copy):
    network = AutoModelForSequenceClassification.from_pretrained(hub_copy)
    network.save_pretrained(hub_copy)
    (hub_copy / "pytorch_model.bin").write_bytes(b"broken, and never looked at")
    assert (hub_copy / "model.safetensors").exists()
    assert load_model(hub_copy, device="cpu").labels == LABELS


def test_the_demo_model_is_inside_the_package(demo_model):
    assert demo_model.labels == LABELS
    assert demo_model.name == "demo"
    assert "network" not in repr(demo_model)


def test_labels_in_another_order_and_case_are_matched(hub_copy):
    _edit_config(hub_copy, id2label={"0": "POS", "1": "NEU", "2": "Neg"}, label2id={"POS": 0, "NEU": 1, "Neg": 2})
    assert load_model(hub_copy, device="cpu").labels == ("positive", "neutral", "negative")


def _nameless(folder):
    names = {str(number): f"LABEL_{number}" for number in range(3)}
    _edit_config(folder, id2label=names, label2id={name: int(number) for number, name in names.items()})


def test_nameless_labels_are_asked_for(hub_copy):
    _nameless(hub_copy)
    with pytest.raises(ModelError, match=r"LABEL_0.*labels=\("):
        load_model(hub_copy, device="cpu")
    order = ("positive", "neutral", "negative")
    assert load_model(hub_copy, device="cpu", labels=order).labels == order


def test_labels_may_not_contradict_the_checkpoint(hub_copy):
    assert load_model(hub_copy, device="cpu", labels=LABELS).labels == LABELS
    with pytest.raises(ModelError, match="contradicts the order"):
        load_model(hub_copy, device="cpu", labels=("positive", "neutral", "negative"))
    with pytest.raises(ModelError, match="2 were passed, the model has 3"):
        load_model(hub_copy, device="cpu", labels=("negative", "positive"))


def _with_outputs(folder, names):
    """The same body with a head of another size."""
    ids = {name: number for number, name in enumerate(names)}
    network = AutoModelForSequenceClassification.from_pretrained(
        folder, num_labels=len(names), id2label=dict(enumerate(names)), label2id=ids, ignore_mismatched_sizes=True
    )
    network.save_pretrained(folder)
    (folder / "pytorch_model.bin").unlink()


def test_a_two_class_model_has_two_of_the_labels(hub_copy):
    _with_outputs(hub_copy, ["positive", "negative"])
    assert load_model(hub_copy, device="cpu").labels == ("positive", "negative")


def test_a_wrong_number_of_labels(hub_copy):
    _with_outputs(hub_copy, [f"{stars} stars" for stars in range(1, 6)])
    with pytest.raises(ModelError, match="2 or 3 labels.*there are 5"):
        load_model(hub_copy, device="cpu")


def test_a_head_of_another_size_than_the_config(hub_copy):
    _edit_config(hub_copy, id2label={"0": "negative", "1": "positive"}, label2id={"negative": 0, "positive": 1})
    with pytest.raises(ModelError, match="wrong number of labels: config.json names 2"):
        load_model(hub_copy, device="cpu")


def test_outputs_that_are_no_distribution_are_refused(hub_copy):
    _edit_config(hub_copy, problem_type="multi_label_classification")
    with pytest.raises(ModelError, match="single-label classifier"):
        load_model(hub_copy, device="cpu")


def test_a_base_checkpoint_does_not_get_a_random_head(hub_copy, hub_folder):
    BertForMaskedLM.from_pretrained(hub_folder).save_pretrained(hub_copy)
    (hub_copy / "pytorch_model.bin").unlink()
    with pytest.raises(ModelError, match="no trained classification head.*fine-tune it"):
        load_model(hub_copy, device="cpu")
    with pytest.raises(ModelError, match="no trained classification head"):
        load_model(hub_copy, device="cpu", labels=LABELS)


def test_missing_body_weights_are_no_missing_head(hub_copy):
    weights = torch.load(hub_copy / "pytorch_model.bin", weights_only=True)
    del weights["bert.encoder.layer.1.output.dense.weight"]
    torch.save(weights, hub_copy / "pytorch_model.bin")
    with pytest.raises(ModelError, match="do not fit config.json: 1 missing or of another shape"):
        load_model(hub_copy, device="cpu")


@pytest.mark.parametrize("keep", [0, 10, 5000])
def test_weights_cut_short(hub_copy, keep):
    weights = hub_copy / "pytorch_model.bin"
    weights.write_bytes(weights.read_bytes()[:keep])
    with pytest.raises(ModelError, match=r"pytorch_model.bin: .*(cut short|damaged)"):
        load_model(hub_copy, device="cpu")


@pytest.mark.parametrize("keep", [0, 4, 5000])
def test_safetensors_cut_short(hub_copy, keep):
    AutoModelForSequenceClassification.from_pretrained(hub_copy).save_pretrained(hub_copy)
    weights = hub_copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:keep])
    with pytest.raises(ModelError, match=r"model.safetensors: .*cut short"):
        load_model(hub_copy, device="cpu")


class _Exploit:
    def __init__(self, victim):
        self.victim = victim

    def __reduce__(self):
        return os.mkdir, (self.victim,)


def test_a_pickle_that_runs_code_is_refused_and_does_not_run(hub_copy, tmp_path):
    victim = tmp_path / "made_by_the_pickle"
    torch.save({"classifier.weight": _Exploit(str(victim))}, hub_copy / "pytorch_model.bin")
    with pytest.raises(ModelError, match="a pickle can run code.*safetensors"):
        load_model(hub_copy, device="cpu")
    assert not victim.exists()


def test_code_in_the_repository_is_never_run(hub_copy, tmp_path):
    victim = tmp_path / "made_by_the_code"
    (hub_copy / "own.py").write_text(f"import os\nos.mkdir({str(victim)!r})\n")
    _edit_config(hub_copy, model_type="own", auto_map={"AutoConfig": "own.Config"})
    with pytest.raises(ModelError, match=r"config\.json: cannot be used"):
        load_model(hub_copy, device="cpu")
    assert not victim.exists()


def test_no_weights_no_config_no_vocabulary(hub_copy):
    (hub_copy / "vocab.txt").unlink()
    with pytest.raises(ModelError, match=r"no vocabulary.*vocab\.txt"):
        load_model(hub_copy, device="cpu")
    (hub_copy / "pytorch_model.bin").unlink()
    with pytest.raises(ModelError, match=r"no weights, expected model\.safetensors or pytorch_model\.bin"):
        load_model(hub_copy, device="cpu")
    (hub_copy / "config.json").write_text("{")
    with pytest.raises(ModelError, match=r"config\.json: cannot be used"):
        load_model(hub_copy, device="cpu")
    (hub_copy / "config.json").unlink()
    with pytest.raises(ModelError, match="not a model folder"):
        load_model(hub_copy, device="cpu")


def test_a_vocabulary_larger_than_the_embedding(hub_copy):
    with (hub_copy / "vocab.txt").open("a", encoding="utf-8") as vocabulary:
        vocabulary.write("inprevedibile\n")
    with pytest.raises(ModelError, match="the vocabulary has 1501 entries, the network only 1500"):
        load_model(hub_copy, device="cpu")


@pytest.mark.parametrize(
    "changes",
    [
        {"hidden_size": "abc"},
        {"hidden_size": 0},
        {"num_attention_heads": 0},
        {"num_hidden_layers": 2.5},
        {"pad_token_id": 10**6},
        {"id2label": 3},
    ],
)
def test_a_config_that_says_what_cannot_be(hub_copy, changes):
    _edit_config(hub_copy, **changes)
    with pytest.raises(ModelError, match=r"config\.json: cannot be used|or not what config\.json says"):
        load_model(hub_copy, device="cpu")


def test_a_config_of_nothing(hub_copy):
    (hub_copy / "config.json").write_text("null")
    with pytest.raises(ModelError, match=r"config\.json: cannot be used: TypeError"):
        load_model(hub_copy, device="cpu")


def test_a_folder_has_no_revisions(hub_folder):
    for name in (hub_folder, "demo"):
        with pytest.raises(ModelError, match="only models of the hub have revisions, but 'abc' was passed"):
            load_model(name, device="cpu", revision="abc")


def test_the_hubs_client_says_as_much_as_before(monkeypatch):
    levels = []

    def nowhere(*arguments, **options):
        levels.append(hub_logging.get_verbosity())
        raise OSError("no network")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", nowhere)
    before = hub_logging.get_verbosity()
    hub_logging.set_verbosity_info()
    try:
        with pytest.raises(ModelError, match="cannot reach the hub"):
            find_folder("owner/model")
        assert levels == [hub_logging.ERROR]
        assert hub_logging.get_verbosity() == hub_logging.INFO
    finally:
        hub_logging.set_verbosity(before)


@pytest.mark.parametrize("name", ["./nowhere", "/nowhere/at/all", "a/b/c", "", "~nosuchuser/x", "a" * 300])
def test_a_folder_that_is_not_there(name):
    with pytest.raises(ModelError, match="no such folder"):
        load_model(name, device="cpu")


def test_a_file_is_not_a_folder(hub_folder):
    with pytest.raises(ModelError, match="is a file; expected a folder"):
        load_model(hub_folder / "config.json", device="cpu")


def test_unknown_devices_and_dtypes(hub_folder):
    with pytest.raises(ModelError, match="device must be one of auto, cpu, cuda, mps.*'gpu'"):
        load_model(hub_folder, device="gpu")
    with pytest.raises(ModelError, match="dtype must be one of auto, float32.*'int8'"):
        load_model(hub_folder, device="cpu", dtype="int8")


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_an_absent_device_is_named(hub_folder):
    with pytest.raises(ModelError, match="present on this machine, but 'cuda'"):
        load_model(hub_folder, device="cuda")


def test_dtype_is_taken(hub_folder):
    model = load_model(hub_folder, device="cpu", dtype="bfloat16")
    assert model.dtype == torch.bfloat16
    assert model.network.dtype == torch.bfloat16


def test_the_default_is_the_model_of_the_card():
    assert DEFAULT_MODEL == "neuraly/bert-base-italian-cased-sentiment"


def test_roberta_counts_positions_from_its_padding_index(hub_folder, tmp_path):
    from transformers import RobertaConfig, RobertaForSequenceClassification

    shutil.copy(hub_folder / "vocab.txt", tmp_path / "vocab.txt")
    config = RobertaConfig(
        vocab_size=1500, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8,
        max_position_embeddings=66, num_labels=3, id2label=dict(enumerate(LABELS)), tokenizer_class="BertTokenizer",
    )  # fmt: skip
    RobertaForSequenceClassification(config).save_pretrained(tmp_path)
    assert load_model(tmp_path, device="cpu").max_tokens == 64


COMMIT = "0123456789abcdef0123456789abcdef01234567"


class _Hub(http.server.BaseHTTPRequestHandler):
    """The few answers of a model hub that loading needs, for one repository `owner/model` and one gated one."""

    folder = None
    requests: list[str] = []

    def _respond(self):
        path = self.path.split("?")[0]
        self.requests.append(path)
        if path.startswith(("/api/models/owner/gated", "/owner/gated")):
            return self._send(403, b"{}", {"X-Error-Code": "GatedRepo"})
        if path in ("/api/models/owner/model", "/api/models/owner/model/revision/main"):
            return self._send(200, json.dumps({"id": "owner/model", "sha": COMMIT, "siblings": []}).encode())
        if path == f"/api/models/owner/model/tree/{COMMIT}":
            files = [
                {"type": "file", "path": file.name, "size": file.stat().st_size, "oid": self._etag(file.read_bytes())}
                for file in self.folder.iterdir()
            ]
            return self._send(200, json.dumps(files).encode())
        if path.startswith("/api/models/owner/model/"):
            return self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
        file = self.folder / path.rsplit("/", 1)[-1]
        if path.startswith(f"/owner/model/resolve/{COMMIT}/") and file.exists():
            content = file.read_bytes()
            return self._send(200, content, {"ETag": f'"{self._etag(content)}"', "X-Repo-Commit": COMMIT})
        return self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"})

    do_GET = do_HEAD = _respond

    @staticmethod
    def _etag(content):
        return hashlib.sha1(content).hexdigest()

    def _send(self, status, body, headers=None):
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def hub(hub_folder):
    handler = type("Hub", (_Hub,), {"folder": hub_folder, "requests": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


_LOAD_EACH = """
import sys
from sentiment_kit.inference import predict
from sentiment_kit.errors import ModelError, Note
from sentiment_kit.model import load_model, load_tokenizer
from sentiment_kit.provenance import model_record
for name, revision in zip(sys.argv[1::2], sys.argv[2::2]):
    try:
        model = load_model(name, device="cpu", revision=revision or None)
        print("loaded", model.name, model.revision, *model.labels, predict(model, "ciao")["n_tokens"].item())
    except ModelError as error:
        print("error", str(error).replace(chr(10), " "))
"""


def _load_in_a_process(home, endpoint, *names_and_revisions):
    """Load in a process of its own, for the hub client reads its address and its cache folder when it is imported."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    environment |= {"HOME": str(home), "HF_ENDPOINT": endpoint, "HF_HUB_DISABLE_TELEMETRY": "1"}
    environment |= {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    command = [sys.executable, "-c", _LOAD_EACH, *names_and_revisions]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=home)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_hub_model_is_downloaded_once_and_then_found_without_network(hub, hub_folder, tmp_path):
    endpoint = f"http://127.0.0.1:{hub.server_port}"
    asked = ["owner/model", "", "owner/model", "nosuch", "owner/other", "", "owner/gated", ""]
    loaded, no_revision, unknown, gated = _load_in_a_process(tmp_path, endpoint, *asked)
    assert loaded.startswith(f"loaded owner/model {COMMIT} negative neutral positive ")
    assert "owner/model exists on the hub, but has no revision 'nosuch'" in no_revision
    assert "no model 'owner/other': neither a folder here nor a public repository" in unknown
    assert "gated on the hub: accept its terms" in gated
    downloads = [path for path in hub.RequestHandlerClass.requests if "/resolve/" in path]
    assert {path.rsplit("/", 1)[-1] for path in downloads} == {path.name for path in hub_folder.iterdir()}

    hub.shutdown()
    hub.server_close()
    again, missing = _load_in_a_process(tmp_path, endpoint, "owner/model", "", "owner/uncached", "")
    assert again == loaded
    assert "cannot reach the hub, and 'owner/uncached' is not complete in its cache" in missing
    assert "'demo'" in missing


# Adapters


@pytest.fixture
def adapter(hub_folder, tmp_path):
    """LoRA of the small checkpoint with a head of its own, every weight of it drawn, as PEFT saves it."""
    network = AutoModelForSequenceClassification.from_pretrained(hub_folder)
    torch.manual_seed(0)
    changed = get_peft_model(network, LoraConfig(task_type="SEQ_CLS", target_modules=["query", "value"], r=4))
    for name, weights in changed.named_parameters():
        if "lora_" in name or "modules_to_save" in name:
            torch.nn.init.normal_(weights, std=0.3)
    changed.save_pretrained(tmp_path / "adapter")
    return tmp_path / "adapter", changed.eval()


def test_an_adapter_answers_as_peft_does(adapter, hub_folder):
    folder, changed = adapter
    model = load_model(folder, device="cpu", dtype="float32")
    assert model.labels == LABELS
    ids, mask = (
        model.tokenizer("che bella giornata", return_tensors="pt")[key] for key in ("input_ids", "attention_mask")
    )
    with torch.inference_mode():
        own, expected = (one(input_ids=ids, attention_mask=mask).logits for one in (model.network, changed))
    torch.testing.assert_close(own, expected, atol=1e-5, rtol=1e-4)
    record = model_record(model)
    assert record["weights"] == model_record(folder)["weights"] != model_record(hub_folder)["weights"]
    assert record["tokenizer"] == model_record(hub_folder)["tokenizer"]


def test_the_base_of_an_adapter_may_be_named(adapter, hub_folder, tmp_path):
    folder, _ = adapter
    config = folder / "adapter_config.json"
    config.write_text(config.read_text().replace(str(hub_folder), "somewhere/else"))
    with pytest.raises(
        ModelError, match="adapter is an adapter, and the model it changes cannot be found; name its base"
    ):
        load_model(folder, device="cpu")
    model = load_model(folder, device="cpu", base=hub_folder)
    again = model.loader(device="cpu")
    pd.testing.assert_frame_equal(predict(model, ["che schifo"]), predict(again, ["che schifo"]))
    with pytest.raises(ModelError, match="is a whole model, no adapter, but a base was passed"):
        load_model(hub_folder, device="cpu", base=hub_folder)
    with pytest.raises(ModelError, match="is an adapter too; expected a whole model"):
        load_model(folder, device="cpu", base=folder)


def test_an_adapter_that_does_not_fit_is_refused(adapter, monkeypatch):
    folder, _ = adapter
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps(config | {"target_modules": ["query", "key"]}))
    with pytest.raises(ModelError, match="the adapter does not fit .*, or is damaged: UserWarning: Found missing"):
        load_model(folder, device="cpu")
    (folder / "adapter_config.json").write_text(json.dumps(config | {"target_modules": ["q_proj"]}))
    with pytest.raises(ModelError, match="the adapter does not fit .*, or is damaged: NoMatching"):
        load_model(folder, device="cpu")
    (folder / "adapter_config.json").write_text(json.dumps(config))
    (folder / "adapter_model.safetensors").unlink()
    with pytest.raises(ModelError, match="no weights, expected adapter_model.safetensors or adapter_model.bin"):
        load_model(folder, device="cpu")
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(ModelError, match=r'pip install "sentiment-kit\[adapters\]"'):
        load_model(folder, device="cpu")


def test_capitals_of_a_vocabulary_stay_where_nothing_says_otherwise(hub_copy):
    (hub_copy / "tokenizer_config.json").unlink()
    with pytest.warns(Note, match="read with capitals and accents, which its vocabulary has"):
        tokenizer = load_model(hub_copy, device="cpu").tokenizer
    assert "".join(tokenizer.tokenize("Perché")).replace("##", "") == "Perché"
    (hub_copy / "tokenizer_config.json").write_text('{"do_lower_case": true}')
    tokenizer = load_model(hub_copy, device="cpu").tokenizer
    assert "".join(tokenizer.tokenize("Perché")).replace("##", "") == "perche"


@pytest.mark.parametrize(("of_config", "of_tokenizer", "expected"), [(5, 0, 5), (None, 0, 0), (None, None, None)])
def test_what_fills_up_a_batch_is_what_the_network_knows(hub_copy, monkeypatch, of_config, of_tokenizer, expected):
    """Where neither names it, as in a GPT-2 of old, only texts of one length share a batch."""
    config = json.loads((hub_copy / "config.json").read_text())
    (hub_copy / "config.json").write_text(json.dumps(config | {"pad_token_id": of_config, "return_dict": False}))
    reader = load_tokenizer(hub_copy)
    if of_tokenizer is None:
        reader.pad_token = None
    monkeypatch.setattr("sentiment_kit.model.load_tokenizer", lambda folder: reader)
    model = load_model(hub_copy, device="cpu")
    assert model.pad_id == expected
    texts = ["ciao", "Che bella giornata, davvero!"]
    alone = predict(model, texts, batch_size=1)
    pd.testing.assert_frame_equal(predict(model, texts), alone, atol=1e-5)


def test_a_t5_answers_and_its_batches_do_not_matter(tmp_path):
    """Its layers ask the packed ones for their weight."""
    tokenizer = load_tokenizer(DEMO_FOLDER)
    names = dict(enumerate(LABELS))
    sizes = {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4, "vocab_size": len(tokenizer)}
    ids = {"pad_token_id": tokenizer.pad_token_id, "decoder_start_token_id": tokenizer.pad_token_id}
    config = T5Config(**sizes, **ids, eos_token_id=tokenizer.eos_token_id, id2label=names, initializer_factor=20.0)
    torch.manual_seed(0)
    T5ForSequenceClassification(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    model = load_model(tmp_path, device="cpu", labels=LABELS)
    texts = ["Che bello", "Pessimo servizio davvero, mai più", "ciao a tutti quanti"]
    alone = predict(model, texts, batch_size=1)
    assert alone["positive"].nunique() == 3
    pd.testing.assert_frame_equal(predict(model, texts), alone, atol=1e-5)


# Checkpoints as people have them


TEXTS = ["ciao", "Che bella giornata, davvero!", "Pessimo servizio, mai più"]


def _renamed(folder, change):
    weights = torch.load(folder / "pytorch_model.bin", weights_only=True)
    torch.save(change(weights), folder / "pytorch_model.bin")


@pytest.mark.parametrize(
    "change",
    [
        lambda weights: {f"_orig_mod.{name}": value for name, value in weights.items()},
        lambda weights: {f"module._orig_mod.{name}": value for name, value in weights.items()},
        lambda weights: {"epoch": 3, "state_dict": {f"module.{name}": value for name, value in weights.items()}},
    ],
    ids=["torch.compile", "DataParallel", "state_dict"],
)
def test_what_wrappers_write_before_a_weights_name_is_left_out(hub_copy, tiny_model, change):
    _renamed(hub_copy, change)
    pd.testing.assert_frame_equal(predict(load_model(hub_copy, device="cpu"), TEXTS), predict(tiny_model, TEXTS))


def test_safetensors_of_a_compiled_network(hub_copy, tiny_model):
    weights = torch.load(hub_copy / "pytorch_model.bin", weights_only=True)
    wrapped = {f"_orig_mod.{name}": value for name, value in weights.items()}
    save_file(wrapped, hub_copy / "model.safetensors", metadata={"format": "pt"})
    (hub_copy / "pytorch_model.bin").unlink()
    pd.testing.assert_frame_equal(predict(load_model(hub_copy, device="cpu"), TEXTS), predict(tiny_model, TEXTS))


def test_weights_of_other_names_are_named(hub_copy):
    _renamed(hub_copy, lambda weights: {f"net.{name}": value for name, value in weights.items()})
    with pytest.raises(ModelError, match=r"the weights have other names \(net.bert.*\) than the network's \(bert"):
        load_model(hub_copy, device="cpu")


@pytest.mark.parametrize("method", ["bitsandbytes", "gptq", "awq"])
def test_quantised_weights_are_refused_in_a_line(hub_copy, method):
    _edit_config(hub_copy, quantization_config={"quant_method": method, "load_in_8bit": True})
    with pytest.raises(ModelError, match=rf"quantised weights \({method}\).*load the model that they were made from"):
        load_model(hub_copy, device="cpu")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (["checkpoint-50/config.json", "checkpoint-200/config.json"], r"the newest is \S*checkpoint-200"),
        (["snapshots/abc/config.json"], r"hub's cache; the model in it is \S*snapshots/abc"),
        (["export/config.json"], r"one of its folders may be: \S*export"),
        (["model.gguf"], r"GGUF.*model\.gguf"),
    ],
)
def test_a_folder_without_config_says_what_it_is(tmp_path, files, said):
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    with pytest.raises(ModelError, match=said):
        load_model(tmp_path, device="cpu")


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("tf_model.h5", "weights for TensorFlow only"),
        ("flax_model.msgpack", "weights for Flax only"),
        ("model.onnx", "a network for ONNX Runtime only"),
        ("openvino_model.xml", "for OpenVINO only"),
        ("rust_model.ot", "for rust-bert only"),
        ("zero_to_fp32.py", "python zero_to_fp32.py"),
        ("epoch=3.ckpt", "a checkpoint of Lightning"),
        ("best.pt", r"is it best\.pt\? Then rename it to pytorch_model\.bin"),
        ("model.fp16.safetensors", r"rename it to model\.safetensors"),
        ("model.pkl", "scikit-learn or the like"),
    ],
)
def test_a_folder_without_weights_says_what_it_has(hub_copy, file, said):
    (hub_copy / "pytorch_model.bin").unlink()
    (hub_copy / file).touch()
    with pytest.raises(ModelError, match=said):
        load_model(hub_copy, device="cpu")


@pytest.mark.parametrize(
    ("file", "said"), [("config_setfit.json", "a SetFit model"), ("modules.json", "a model of sentence-transformers")]
)
def test_a_folder_without_a_head_says_what_it_is(hub_copy, file, said):
    _renamed(hub_copy, lambda weights: {k: v for k, v in weights.items() if "classifier" not in k})
    (hub_copy / file).write_text("{}")
    with pytest.raises(ModelError, match=said):
        load_model(hub_copy, device="cpu")


def test_a_path_may_have_spaces_and_accents_and_a_tilde(hub_copy, tmp_path, monkeypatch, tiny_model):
    shutil.copytree(hub_copy, tmp_path / "città e modelli" / "più bello")
    monkeypatch.setenv("HOME", str(tmp_path))
    found = load_model("~/città e modelli/più bello", device="cpu")
    pd.testing.assert_frame_equal(predict(found, TEXTS), predict(tiny_model, TEXTS))


def test_weights_in_parts(hub_copy, tiny_model):
    AutoModelForSequenceClassification.from_pretrained(hub_copy).save_pretrained(hub_copy, max_shard_size="50KB")
    (hub_copy / "pytorch_model.bin").unlink()
    assert len(list(hub_copy.glob("model-*.safetensors"))) > 1
    pd.testing.assert_frame_equal(predict(load_model(hub_copy, device="cpu"), TEXTS), predict(tiny_model, TEXTS))


def test_names_in_italian_and_large_letters(hub_copy):
    _edit_config(hub_copy, id2label={"0": "NEGATIVO", "1": "NEUTRO", "2": "POSITIVO"}, label2id={})
    assert load_model(hub_copy, device="cpu").labels == LABELS


def test_one_output_is_no_classifier(hub_copy):
    _with_outputs(hub_copy, ["LABEL_0"])
    with pytest.raises(ModelError, match="one output, so a score and no classes"):
        load_model(hub_copy, device="cpu")


def test_two_classes_are_told(hub_copy):
    _with_outputs(hub_copy, ["negative", "positive"])
    with pytest.warns(Note, match="knows no neutral: no text will be called so"):
        model = load_model(hub_copy, device="cpu")
    assert (predict(model, TEXTS)["neutral"] == 0).all()


def test_chunks_of_the_feed_forward_layer_change_nothing(hub_copy, tiny_model):
    _edit_config(hub_copy, chunk_size_feed_forward=7)
    pd.testing.assert_frame_equal(predict(load_model(hub_copy, device="cpu"), TEXTS), predict(tiny_model, TEXTS))


# More classes than three


STARS = [f"{stars} star" + "s" * (stars > 1) for stars in range(1, 6)]
FOLD = {"1": "negative", "2": "negative", "3": "neutral", "4": "positive", "5": "positive"}


def test_the_probabilities_of_classes_that_count_as_one_are_summed(hub_copy):
    _with_outputs(hub_copy, STARS)
    with pytest.raises(ModelError, match="2 or 3 labels.*there are 5"):
        load_model(hub_copy, device="cpu")
    model = load_model(hub_copy, device="cpu", fold=FOLD)
    assert model.labels == ("negative", "negative", "neutral", "positive", "positive")
    with torch.inference_mode():
        ids = model.tokenizer("che schifo", return_tensors="pt")["input_ids"]
        five = model.network(input_ids=ids).logits.softmax(dim=1)[0].tolist()
    found = predict(model, "che schifo").iloc[0]
    expected = [five[0] + five[1], five[2], five[3] + five[4]]
    assert found[list(LABELS)].tolist() == pytest.approx(expected, abs=1e-6)
    assert predict(model.loader(device="cpu"), "che schifo").iloc[0]["positive"] == found["positive"]
    named = {"1 star": "NEG", "2 stars": "neg", "3 stars": "neutro", "4 stars": "pos", "5 STARS": "positivo"}
    assert load_model(hub_copy, device="cpu", fold=named).labels == model.labels


def test_a_class_that_is_not_mentioned_must_have_a_usual_name(hub_copy):
    _with_outputs(hub_copy, ["negative", "neutral", "positive", "very_mixed"])
    assert load_model(hub_copy, device="cpu", fold={"very mixed": "neutral"}).labels == (*LABELS, "neutral")
    for fold in ({}, {"mixed": "neutral"}, {"very_mixed": "bad"}, {"very_mixed": "neutral", "5": "neutral"}):
        with pytest.raises(ModelError, match="does not say for each of the classes"):
            load_model(hub_copy, device="cpu", fold=fold)


def test_numbers_are_those_of_the_names_and_no_positions(hub_copy):
    _with_outputs(hub_copy, ["LABEL_-1", "LABEL_0", "LABEL_1"])
    fold = {"-1": "negative", "0": "neutral", "1": "positive"}
    assert load_model(hub_copy, device="cpu", fold=fold).labels == LABELS
    with pytest.raises(ModelError, match="does not say for each"):
        load_model(hub_copy, device="cpu", fold={"1": "negative", "2": "neutral", "3": "positive"})


def test_labels_and_fold_on_the_command_line(hub_copy, run):
    _nameless(hub_copy)
    code, out, _ = run("try", "che schifo", "--model", hub_copy, "--labels", "negative,neutral,positive")
    assert code == 0
    assert "negative " in out
    _with_outputs(hub_copy, STARS)
    code, out, _ = run("try", "che schifo", "--model", hub_copy, "--fold", "1,2=negative 3=neutral 4,5=positive")
    assert code == 0
    assert "negative " in out
    code, _, err = run("try", "ciao", "--model", hub_copy, "--fold", "1,2")
    assert code != 0
    assert "--fold: expected a rule such as" in err
