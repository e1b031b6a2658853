"""Use, measure and question an Italian tweet-sentiment model. What is where; in brackets, the notebooks that use it.

The core takes files of tweets to the prediction table. In reading order, each module imports only those above it
(`from sentiment_kit.inference import predict`):

- `errors`: what a user may see in one line
- `labels`: the three labels, and foreign names matched to them (01, 03, 04, 07, 08, 11, 13, 14)
- `cleaning`: mentions, links and e-mail addresses leave the text; nothing else does (01 to 04, 16)
- `data`: SENTIPOLC, your files and the demo to one tweet table (01 to 16)
- `hub`: a model's name to the folder of its files (13)
- `packing`: linear layers laid out for the processor
- `model`: a model with its labels, device and origin, checked (01 to 13, 15, 16)
- `batching`: texts to probabilities, in batches of like length (03)
- `progress`: whether a bar has someone to see it
- `remembering`: answers kept between the notebooks of a report
- `inference`: texts to the prediction table (01 to 03, 05 to 13, 15, 16)
- `provenance`: where a figure comes from: model, data, software and options in one record

A wing answers one question and hands on its public names (`from sentiment_kit.evaluation import scores`). `files` lies
below the core; `evaluation`, `analysis`, `report` and `course` stand on it in this order, `shares` on `evaluation`, and
`training` and `scale` beside them.

`files`: what stands in a file?

- `files.encodings`: bytes to text, and what is compressed
- `files.dialects`: what stands between the fields of a table, and what its header means
- `files.spreadsheets`: sheets of .xlsx
- `files.rows`: the one parser, row by row, of files of any size; what cannot be read is set apart
- `files.tables`: whole files to tables, strictly
- `files.writing`: tables to files, whole or not at all

`evaluation`: how good is it, and how sure are we?

- `evaluation.intervals`: intervals, many tests, and the gap that n rows can show (01 to 05, 07 to 10, 12, 13, 16)
- `evaluation.scores`: scores with intervals, and the official score (01, 05, 06, 12, 13, 16)
- `evaluation.comparison`: one model or the other, on the same rows (01, 02, 05, 13, 16)
- `evaluation.protocols`: one prediction under every published protocol (06)
- `evaluation.confusion`: what is mistaken for what (07, 15)
- `evaluation.calibration`: can the probabilities be trusted? (08)
- `evaluation.baseline`: TF-IDF with logistic regression, the model to beat (05, 13)

`analysis`: where is it wrong, why, and what may one claim of that?

- `analysis.lexicon`: by which words is a tweet about football, without a model?
- `analysis.topics`: is it about football, or what else? (04, 11, 14, 16)
- `analysis.phenomena`: what stands in a tweet: negation, questions, emoji, shouting (09)
- `analysis.duplicates`: which tweets say nearly the same (04, 09, 13)
- `analysis.slices`: a score inside and outside of any slice or group, and the worst errors (09, 11, 16)
- `analysis.fillings`: many names in one sentence: does the name matter? (11)
- `analysis.probes`: counterfactual pairs, behavioural cases, contamination (11, 12, 14, 16)
- `analysis.explain`: which words made it so (10)
- `analysis.claims`: supported, contradicted, or not to be told from this data (16)

`shares`: what do tweets say that nobody labelled?

- `shares.quantification`: estimators of shares, and how many labels they need (15)
- `shares.estimates`: what share of tweets has which label, and how wrong may that be? (15, 16)
- `shares.agreement`: do people agree on the labels? (04, 15)
- `shares.scored`: scored tweets of any number, in parts, and the labels of a few

`training`: how was it trained, and can another be?

- `training.splits`: training, validation and test split, copies on one side (13)
- `training.reading`: files to the tables of a training; what is left out is said
- `training.trainer`: one step and one epoch: targets, weights, checkpoints
- `training.fine_tuning`: the card's recipe, one seed or several (13)
- `training.mitigation`: weights, masks, swaps and pairs against a bias of the subject (14)
- `training.model_card`: what a trained model says of itself (13)

`scale`: how fast, and what of more than memory or one machine holds?

- `scale.benchmark`: how fast on this machine, beside the ordinary ways (03)
- `scale.onnx`: the model through ONNX Runtime, in float32 or int8 (03)
- `scale.bulk`: files of any size, part by part; taken up again after a crash
- `scale.cluster`: the parts on many cores, GPUs or machines, through Ray Data
- `scale.devices`: texts in memory on several GPUs of one machine, a process each

`report`: what does it look like?

- `report.plots`: finished tables to figures (01 to 06, 08 to 10, 12 to 15)
- `report.score_plots`: confusion, reliability and coverage, drawn (07, 08)
- `report.share_plots`: shares of labels, counted and corrected, drawn (15)
- `report.labelling`: tweets to label in a notebook, one at a time
- `report.guesses`: a guess made before the answer, beside it (01 to 16)
- `report.tables`: tables to search, sort and filter (01 to 16)
- `report.widgets`: one text and several models; a confusion matrix whose cells open (01, 07)
- `report.scorecard`: all tables of one evaluation, as JSON or a folder

`course`: how do notebooks become a report?

- `course.pages`: an executed notebook to a page, all of them to a site
- `course.languages`: the prose of a notebook in Italian
- `course.notebooks`: the notebooks run on a model and data

`commands`, one module each, and `cli` are `sentiment-kit`; `demo` is data alone: tweets and a small model.
"""

import warnings

# In a notebook without ipywidgets, libraries that draw bars warn at import; plain bars will do.
warnings.filterwarnings("ignore", message="IProgress not found")

__version__ = "0.1.0"
