"""llama.cpp's own logits, through the C functions that the xllamacpp wheel exports.

Parameter structs are only passed from llama.cpp to llama.cpp, so their layout need not be known: a
buffer larger than any of them is enough (System V x86-64 returns and passes large structs in memory).
"""

import ctypes
import importlib.util
from pathlib import Path

import numpy as np


class _Params(ctypes.Structure):
    _fields_ = [("bytes", ctypes.c_uint64 * 128)]


class _Batch(ctypes.Structure):
    _fields_ = [
        ("n_tokens", ctypes.c_int32),
        ("token", ctypes.POINTER(ctypes.c_int32)),
        ("embd", ctypes.c_void_p),
        ("pos", ctypes.POINTER(ctypes.c_int32)),
        ("n_seq_id", ctypes.POINTER(ctypes.c_int32)),
        ("seq_id", ctypes.POINTER(ctypes.POINTER(ctypes.c_int32))),
        ("logits", ctypes.POINTER(ctypes.c_int8)),
    ]


class Model:
    """One model and one context of `length` tokens, for `sequences` at once."""

    def __init__(self, path: Path, threads: int = 1, length: int = 512, sequences: int = 1):
        found = importlib.util.find_spec("xllamacpp").submodule_search_locations[0]
        self.lib = lib = ctypes.CDLL(next(str(p) for p in Path(found).glob("xllamacpp*.so")))
        for name, result, args in [
            ("llama_model_default_params", _Params, []),
            ("llama_context_default_params", _Params, []),
            ("llama_model_load_from_file", ctypes.c_void_p, [ctypes.c_char_p, _Params]),
            ("llama_init_from_model", ctypes.c_void_p, [ctypes.c_void_p, _Params]),
            ("llama_model_get_vocab", ctypes.c_void_p, [ctypes.c_void_p]),
            ("llama_vocab_n_tokens", ctypes.c_int32, [ctypes.c_void_p]),
            ("llama_set_n_threads", None, [ctypes.c_void_p, ctypes.c_int32, ctypes.c_int32]),
            ("llama_batch_init", _Batch, [ctypes.c_int32, ctypes.c_int32, ctypes.c_int32]),
            ("llama_batch_free", None, [_Batch]),
            ("llama_decode", ctypes.c_int32, [ctypes.c_void_p, _Batch]),
            ("llama_encode", ctypes.c_int32, [ctypes.c_void_p, _Batch]),
            ("llama_get_memory", ctypes.c_void_p, [ctypes.c_void_p]),
            ("llama_memory_seq_rm", ctypes.c_bool, [ctypes.c_void_p] + [ctypes.c_int32] * 3),
            ("llama_set_embeddings", None, [ctypes.c_void_p, ctypes.c_bool]),
            ("llama_model_n_embd", ctypes.c_int32, [ctypes.c_void_p]),
            (
                "llama_get_embeddings_ith",
                ctypes.POINTER(ctypes.c_float),
                [ctypes.c_void_p, ctypes.c_int32],
            ),
            (
                "llama_get_embeddings_seq",
                ctypes.POINTER(ctypes.c_float),
                [ctypes.c_void_p, ctypes.c_int32],
            ),
            ("llama_get_logits_ith", ctypes.POINTER(ctypes.c_float), [ctypes.c_void_p, ctypes.c_int32]),
            (
                "llama_tokenize",
                ctypes.c_int32,
                [
                    ctypes.c_void_p,
                    ctypes.c_char_p,
                    ctypes.c_int32,
                    ctypes.POINTER(ctypes.c_int32),
                    ctypes.c_int32,
                    ctypes.c_bool,
                    ctypes.c_bool,
                ],
            ),
        ]:
            f = getattr(lib, name)
            f.restype, f.argtypes = result, args
        self.quiet = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)(lambda *_: None)
        lib.llama_log_set(self.quiet, None)
        lib.llama_backend_init()
        self.model = lib.llama_model_load_from_file(str(path).encode(), lib.llama_model_default_params())
        if not self.model:
            raise RuntimeError(f"llama.cpp cannot load {path}")
        params = lib.llama_context_default_params()
        fields = ctypes.cast(ctypes.byref(params), ctypes.POINTER(ctypes.c_uint32))
        fields[0], fields[3] = length, sequences  # n_ctx, and behind n_batch and n_ubatch n_seq_max
        self.context = lib.llama_init_from_model(self.model, params)
        lib.llama_set_n_threads(self.context, threads, threads)
        self.vocab = lib.llama_model_get_vocab(self.model)
        self.n_vocab = lib.llama_vocab_n_tokens(self.vocab)
        self.pos = 0

    def tokenize(self, text: str, parse_special: bool = False) -> list[int]:
        raw = text.encode()
        out = (ctypes.c_int32 * (3 * len(raw) + 8))()
        n = self.lib.llama_tokenize(self.vocab, raw, len(raw), out, len(out), True, parse_special)
        return list(out[:n])

    def _batch(self, ids) -> _Batch:
        b = self.lib.llama_batch_init(len(ids), 0, 1)
        b.n_tokens = len(ids)
        for i, t in enumerate(ids):
            b.token[i], b.pos[i], b.n_seq_id[i], b.logits[i] = t, self.pos + i, 1, 1
            b.seq_id[i][0] = 0
        return b

    def encode(self, ids, pooled: bool = False) -> np.ndarray:
        """What an encoder makes of a text [T]: its rows [T,width], or one vector [width]. In a model with a
        decoder, forward() then looks at it."""
        b = self._batch(ids)
        self.lib.llama_set_embeddings(self.context, True)
        if self.lib.llama_encode(self.context, b) != 0:
            raise RuntimeError("llama_encode failed")
        width = (self.lib.llama_model_n_embd(self.model),)

        def copy(row) -> np.ndarray:
            return np.ctypeslib.as_array(row, width).copy()

        lib = self.lib
        if pooled:
            rows = copy(lib.llama_get_embeddings_seq(self.context, 0))
        else:
            rows = np.stack([copy(lib.llama_get_embeddings_ith(self.context, i)) for i in range(len(ids))])
        lib.llama_set_embeddings(self.context, False)
        lib.llama_batch_free(b)
        return rows

    def forward(self, ids) -> np.ndarray:
        """ids [T], continuing the sequence, at most `length` in all -> logits [T,V] float32"""
        b = self._batch(ids)
        if self.lib.llama_decode(self.context, b) != 0:
            raise RuntimeError("llama_decode failed")
        self.pos += len(ids)
        rows = [
            np.ctypeslib.as_array(self.lib.llama_get_logits_ith(self.context, i), (self.n_vocab,)).copy()
            for i in range(len(ids))
        ]
        self.lib.llama_batch_free(b)
        return np.stack(rows)

    def go_back(self, position: int) -> None:
        """Forgets what was read from `position` on."""
        if not self.lib.llama_memory_seq_rm(self.lib.llama_get_memory(self.context), 0, position, -1):
            raise RuntimeError(f"llama.cpp cannot go back to position {position}")
        self.pos = position
