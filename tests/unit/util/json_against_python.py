#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Our JSON reader against Python's on generated texts: the same verdicts, faults, places, values."""

import json
import random
import struct
import subprocess
import sys

SEEDS = [
    '{"a": [1, 2.5e3, -0.1, true, false, null, "x\\u00e9\\ud83d\\ude00\\n"], "b": {"c": {}}, "d": []}',
    '[1,2,3]', '{"k":"v"}', '"abc"', '123', '-1.5E-10', '  {"x" : [ ] , "y":\t{ }\n}  ',
    '{"é":"ü","z":"\\\\"}', '[[[[]]]]', '[1.0,0.1,1e16,1e-5,123456789.123,1e22,0.00012]',
]
PIECES = ['{', '}', '[', ']', ',', ':', '"', '\\', '1', '-', '.', 'e', 'true', 'nul', 'null', ' ',
          '\n', '\x01', '\x00', 'é', '\\u12', '\\ud800', '"a"', '01', '\\x', '{"a":1', 'tru', 'E+',
          '\ufeff', '😀']
# What Python takes and we do not.
OURS = ('Duplicate', 'NUL', 'Lone', 'Number out', 'Nesting')


def texts(count):
    for seed in SEEDS:
        yield seed
        yield from (seed[:i] for i in range(len(seed)))
    for _ in range(count):
        text = random.choice(SEEDS)
        for _ in range(random.randint(1, 3)):
            at, kind = random.randint(0, len(text)), random.random()
            skip = 0 if kind < .4 else random.randint(1, 3)
            put = '' if .4 <= kind < .7 else random.choice(PIECES)
            text = text[:at] + put + text[at + skip:]
        yield text


def expected(text):
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        if error.msg.startswith('Illegal trailing comma'):  # 3.13 and later, of the comma; before, of what follows it
            at = len(text) - len(text[error.pos + 1:].lstrip(' \t\n\r'))
            return f'{at} Expecting ' + ('value' if error.msg.endswith('array') else 'property name enclosed in double quotes')
        return f'{error.pos} {error.msg}'
    return 'ok ' + json.dumps(value, separators=(',', ':'), ensure_ascii=False)


def main():
    random.seed(20260131)
    cases = list(texts(4000))
    packed = b''.join(struct.pack('=Q', len(t.encode())) + t.encode() for t in cases)
    ours = subprocess.run([sys.argv[1]], input=packed, stdout=subprocess.PIPE, check=True)
    lines = ours.stdout.decode().split('\n')[:-1]
    assert len(lines) == len(cases)
    refused, wrong = 0, 0
    for text, line in zip(cases, lines):
        want = expected(text)
        refused += not want.startswith('ok')
        if line != want and not line.split(' ', 1)[1].startswith(OURS):
            wrong += 1
            print(f'{text!r}: {line} instead of {want}')
    print(f'{len(cases)} texts, {refused} refused by Python, {wrong} judged differently')
    assert refused > 1000
    sys.exit(wrong > 0)


main()
