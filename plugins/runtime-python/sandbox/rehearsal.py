# SPDX-License-Identifier: Apache-2.0
"""A little of everything that agents commonly do."""

CODE = '''
import base64, datetime, functools, hashlib, itertools, json, math, random, re, textwrap
from collections import Counter, OrderedDict, defaultdict
from dataclasses import asdict, dataclass, field
from typing import Any, Dict, List, Optional, Tuple
from urllib.parse import quote, urlparse

@dataclass
class Note:
    title: str
    line: int = 0
    words: List[str] = field(default_factory=list)

WORDS = [re.compile(text) for text in (r"b+[0-9]{1,3}", r"(u|v)*w$", r"<([a-z]+)>[^<]*</", r"[\\'\\"](.*?)[\\'\\"]")]

class Talk:
    def __init__(self, length=4):
        self.length = length
        self.turns = []
    def say(self, who, what):
        self.turns.append({"who": who, "what": what})
    def text(self):
        return "\\n".join(f"{turn['who']}: {turn['what']:>6}" for turn in self.turns)

def read(text):
    found = defaultdict(list)
    for number, line in enumerate(text.splitlines()):
        for index, pattern in enumerate(WORDS):
            if pattern.search(line):
                found[index].append(Note(line.strip()[:30], number, line.split()))
    counts = Counter(word for word in text.split())
    return {"found": [asdict(note) for notes in found.values() for note in notes][:2],
            "common": counts.most_common(2), "sorted": sorted(counts, key=lambda word: -counts[word])[:3],
            "when": datetime.datetime(2024, 2, 29).isoformat(),
            "hash": hashlib.sha256(text.encode()).hexdigest()[:12]}

async def half(number):
    await asyncio.sleep(0)
    return number / 2

async def run(input_dict, tools):
    talk = Talk()
    try:
        json.loads("{")
    except json.JSONDecodeError as error:
        talk.say("parser", str(error))
    print("rehearsal", talk.text())
    halves = await asyncio.gather(half(3), half(5))
    answer = read("bb7 <i>w</i>\\nname = 'uvw' end\\n" * 6)
    answer["sum"] = sum(halves) + math.floor(random.random())
    return json.loads(json.dumps(answer))
'''
