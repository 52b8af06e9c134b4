# SPDX-License-Identifier: Apache-2.0
"""The README's way from a question to a demonstrated agent, and what its model answers here."""

import json
import re
import subprocess

from readme import README
from vendor import Vendor
from vendor_formats import ANTHROPIC, Said, anthropic

AGENT = """NAME: word_counts
DOCSTRING:
Counts how often each word occurs in a text, and finds the longest.
CODE:
```python
import re
from collections import Counter


async def run(input_dict, tools):
    words = re.findall(r"\\w+", input_dict["text"].lower())
    print(f"{len(words)} words")
    return {"counts": dict(Counter(words).most_common()), "longest": max(words, key=len, default="")}
```
"""
HTML = """<main><h1>Which words are in it?</h1>
<p>Paste a text: an agent counts its words.</p>
<form><label>Text <textarea id="text" rows="5">It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness</textarea></label>
<button>Count</button></form>
<p id="longest" role="status"></p><ol id="counts"></ol></main>"""
CSS = """body { font: 1rem/1.5 system-ui, sans-serif; margin: 0; background: #f4f6f8; color: #1c2733; }
main { max-width: 42rem; margin: 1.5rem auto; padding: 1rem 2rem; background: #fff; border-radius: .75rem; box-shadow: 0 1px 6px #0002; }
h1 { font-size: 1.4rem; margin: .5rem 0; } label { display: block; font-weight: 600; }
textarea { box-sizing: border-box; width: 100%; font: inherit; padding: .5rem; border: 1px solid #9ab; border-radius: .4rem; }
button { margin: .6rem 0; padding: .4rem 1.4rem; font: inherit; color: #fff; background: #2563a8; border: 0; border-radius: .4rem; }
ol { list-style: none; padding: 0; } li { display: grid; grid-template-columns: 7rem 1fr; align-items: center; gap: .5rem; }
li span { background: #7fb0e0; border-radius: .2rem; padding: 0 .4rem; }"""
SCRIPT = """const url = 'URL/rest/word_counts';
document.querySelector('form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const button = document.querySelector('button'), longest = document.getElementById('longest');
  button.disabled = true;
  longest.textContent = 'Counting…';
  try {
    const reply = await fetch(url, { method: 'POST', headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ text: document.getElementById('text').value }) });
    const answer = await reply.json();
    if (!reply.ok) throw new Error(answer.detail);
    longest.textContent = `The longest word is ${answer.longest}.`;
    document.getElementById('counts').replaceChildren(...Object.entries(answer.counts).slice(0, 6).map(([word, count]) => {
      const item = document.createElement('li'), bar = document.createElement('span');
      bar.textContent = count;
      bar.style.width = `${count * 3}rem`;
      item.append(word, bar);
      return item;
    }));
  } catch (error) {
    longest.textContent = error.message;
  } finally {
    button.disabled = false;
  }
});"""


def answer(request):
    """What an anvil is, an agent, or a demo whose script calls what the model was told."""
    if "system" not in request.json:
        return anthropic(Said("A block of iron on which metal is shaped."))(request)
    if "small web page" not in json.dumps(request.json["system"]):
        return anthropic(Said(AGENT))(request)
    url = re.search(r"(http://[^/\"\\]+)/rest/word_counts", json.dumps(request.json["messages"]))[1]
    return anthropic(Said(json.dumps({"html": HTML, "css": CSS, "js": SCRIPT.replace("URL", url)}), piece=400))(request)


def model():
    """A vendor that answers so; env() tells a server where it is."""
    vendor = Vendor()
    vendor.answer(ANTHROPIC, answer)
    return vendor


def env(vendor):
    return {"ANTHROPIC_API_KEY": "sk-ant-secret", "ANTHROPIC_BASE_URL": vendor.url}


def steps():
    """[(command, expected output)] of the two sections about models."""
    section = README.split("\n## Ask a model")[1].split("\n## Configuration")[0]
    found = []
    for block in re.findall(r"```shell-session\n(.*?)```", section, re.S):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append([[line[2:]], []])
            else:
                found[-1][0 if line.startswith("> ") else 1].append(line[2:] if line.startswith("> ") else line)
    return [("\n".join(command), "\n".join(expected)) for command, expected in found]


def walk(server, folder):
    """Does them all at this server: [(command, expected, printed)]."""
    mark = "-- next command --"
    script = f"\necho; echo '{mark}'\n".join(command for command, _ in steps())
    script = script.replace("127.0.0.1:8000", f"127.0.0.1:{server.port}")
    done = subprocess.run(["bash", "-c", script], cwd=folder, capture_output=True, text=True, timeout=300)
    printed = done.stdout.replace(f"127.0.0.1:{server.port}", "127.0.0.1:8000").split(f"\n{mark}\n")
    assert len(printed) == len(steps()), done
    return [(command, expected, output) for (command, expected), output in zip(steps(), printed)]
