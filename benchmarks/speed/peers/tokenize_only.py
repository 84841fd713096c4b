"""Token ids of texts by the package tokenizers, nothing else. usage: tokenize_only.py ENCODER_DIR CSV MAX_LEN"""
import sys, time
import pandas as pd
from tokenizers import Tokenizer
tokenizer = Tokenizer.from_file(f"{sys.argv[1]}/tokenizer.json")
tokenizer.no_padding()
tokenizer.enable_truncation(int(sys.argv[3]))
texts = list(pd.read_csv(sys.argv[2], keep_default_na=False).text)
start = time.time()
tokens = sum(len(row.ids) for row in tokenizer.encode_batch(texts))
print(f"tokenized {len(texts)} texts to {tokens} tokens in {time.time() - start:.3f}s")
