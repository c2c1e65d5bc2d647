"""How far are Braid's embeddings from those of sentence-transformers?

  braid convert FOLDER -o MODEL --outtype f32
  braid embedding -m MODEL --pooling mean --per-line -f TEXTS --embd-output-format raw > VECTORS
  python compare_embedding.py FOLDER TEXTS mean VECTORS

FOLDER is a model of sentence-transformers as it is published, TEXTS has a text a line, and the pooling is mean, cls or
last. Both sides work in float32, and divide by the length. Needs the package sentence-transformers.
"""

import argparse
from pathlib import Path

import numpy as np

POOLING = {"mean": "mean", "cls": "cls", "last": "lasttoken"}


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("folder", type=Path)
    ap.add_argument("texts", type=Path)
    ap.add_argument("pooling", choices=sorted(POOLING))
    ap.add_argument("vectors", type=Path)
    args = ap.parse_args()

    from sentence_transformers import SentenceTransformer, models

    texts = args.texts.read_text(encoding="utf-8").splitlines()
    rows = models.Transformer(str(args.folder))
    # The published limit is the length of the texts it was trained with; Braid does not cut.
    rows.max_seq_length = rows.auto_model.config.max_position_embeddings
    pooled = models.Pooling(rows.get_word_embedding_dimension(), pooling_mode=POOLING[args.pooling])
    reference = SentenceTransformer(modules=[rows, pooled, models.Normalize()], device="cpu")
    exact = reference.encode(texts, batch_size=8)
    ours = np.loadtxt(args.vectors, dtype=np.float32).reshape(len(texts), -1)
    print(f"{args.pooling}: {len(texts)} texts of {ours.shape[1]} values, largest difference {np.abs(exact - ours).max():.3g}")


if __name__ == "__main__":
    main()
