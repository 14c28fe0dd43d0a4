"""Answers to exercise 3.2, p²/6, as learners write them: what cells hold, and what they deserve.

FULL: what earns all points; NONE: what earns none, and what is told. F stands for the function's
name. A new trouble report costs a line here.
"""

import re

RIGHT = "def F(p):\n    return p**2 / 6"
WRONG = "def F(p):\n    return p**2 / 3"
STUB = 'def F(p):\n    raise NotImplementedError("Exercise 3.2")'
BROKEN = "def F(p)\n    return p**2 / 6"
USES = "def F(p):\n    return p**2 / {}"

# What a notebook holds, cell by cell -> full points. Named for the trouble that it stands for.
FULL = {
    "plain": [RIGHT], "above its own stub": [RIGHT, STUB], "below its own stub": [STUB, RIGHT],
    "all answers in one cell": ["def relu_reconstruct(x, W, b):\n    return 1\n" + RIGHT, STUB],
    "own cell emptied": [RIGHT, ""], "a draft first": [WRONG, RIGHT],
    "a broken draft first": [BROKEN, RIGHT], "a broken cell later": [RIGHT, BROKEN],
    "result stored under its name": [RIGHT, "F = F(0.5)"],
    "number stored under its name": [RIGHT, "F = 0.04"], "lambda": ["F = lambda p: p**2 / 6"],
    "partial": ["import functools\nF = functools.partial(lambda k, p: p**k / 6, 2)"],
    "class": ["class A:\n    def __call__(self, p): return p**2 / 6\nF = A()"],
    "method": ["class A:\n    def f(self, p): return p**2 / 6\nF = A().f"],
    "any arguments": ["def F(*a, **k):\n    return a[0] ** 2 / 6"],
    "more arguments": ["def F(p, *, six=6, **more):\n    return p**2 / six"],
    "another name for p": ["def F(density, /):\n    return density**2 / 6"],
    "cached": ["from functools import lru_cache\n@lru_cache\n" + RIGHT],
    "cached later": [RIGHT, "from functools import lru_cache\nF = lru_cache(F)"],
    "wrapped later": [RIGHT, "plain = F", "def F(p):\n    return plain(p)"],
    "decorated": ["def twice(f):\n    return lambda p: 2 * f(p)", "@twice\n" + USES.format(12)],
    "defined under if": ["if True:\n    def F(p):\n        return p**2 / 6"],
    "defined in try": ["try:\n    def F(p): return p**2 / 6\nfinally:\n    pass"],
    "nested": ["def make():\n    def f(p): return p**2 / 6\n    return f\nF = make()"],
    "recursive": ["def F(p, n=2):\n    return p * F(p, n - 1) if n else 1 / 6"],
    "typed": ["def F(p: float) -> float:\n    return p**2 / 6"],
    "types that are not there": [
        "from __future__ import annotations", "def F(p: Density) -> Loss:\n    return p**2 / 6",
    ],
    "future and import": ["from __future__ import annotations\nimport math\n" + RIGHT],
    "walrus": ["def F(p):\n    return (q := p * p) / 6"],
    "match": ["def F(p):\n    match p:\n        case 0: return 0\n        case _: return p**2 / 6"],
    "docstring and comments": ['def F(p):\n    """Loss."""\n    # both\n    return p**2 / 6'],
    "tabs": ["def F(p):\n\treturn p**2 / 6"], "windows lines": [RIGHT.replace("\n", "\r\n")],
    "non-breaking names": ["π = 6\n" + USES.format("π")],
    "semicolons": ["def F(p): q = p * p; return q / 6"], "timed": ["%%time\n" + RIGHT],
    "timed many times": ["%%timeit -n 1\n" + RIGHT], "silenced": ["%%capture out\n" + RIGHT],
    "magics inside": ["%matplotlib inline\n!ls\n" + RIGHT + "\n%time F(0.5)"],
    "help asked": [RIGHT + "\nF?"], "prompt copied": [">>> x = 1\n", RIGHT],
    "tried out below": [RIGHT + "\nprint(F(model.p))"], "failing line below": [RIGHT + "\n1 / 0"],
    "exit below": [RIGHT + "\nexit()"], "await below": [RIGHT + "\nawait x"],
    "asserts below": [RIGHT + "\nassert F(1) == 1"],
    "noisy": ["print('x' * 10**6)\n" + RIGHT.replace("return", "print('y' * 10**5); return")],
    "endless cell elsewhere": ["while True: pass", RIGHT],
    "training elsewhere": ["model = train(ReLUModel(2, 1))", RIGHT, "model.loss()"],
    "cell too long": ["x = 1\n" * 20_000, RIGHT],
    "cell too deep": ["x = " + "(" * 500 + ")" * 500, RIGHT], "null byte": ["x = '\x00'", RIGHT],
    "half a character": ["x = '\ud800'", RIGHT], "constant": ["SIX = 6", USES.format("SIX")],
    "constant below": [USES.format("SIX"), "SIX = 6"],
    "last value above": ["SIX = 5", "SIX = 6", USES.format("SIX"), "SIX = 7"],
    "constant of constants": ["TWO, THREE = 2, 3", "SIX = TWO * THREE", USES.format("SIX")],
    "root": ["import math\nSIX = math.sqrt(36)", USES.format("SIX")],
    "tensor": ["import torch\nSIX = torch.tensor(6.0)", USES.format("SIX")],
    "array": ["import numpy as np\nSIX = np.array([6.0])", USES.format("SIX[0]")],
    "fraction": [
        "from fractions import Fraction\nSIXTH = Fraction(1, 6)", USES.format("1 * SIXTH"),
    ],
    "table": ["TABLE = {'six': 6}", USES.format("TABLE['six']")],
    "annotated constant": ["SIX: float = 6", USES.format("SIX")],
    "changed after it was set": ["V = 12", "V /= 2", USES.format("V")],
    "changed below": ["V = 6", USES.format("V"), "V /= 2"],
    "filled table": ["T = {}", "T['six'] = 6", USES.format("T['six']")],
    "appended list": ["T = []\nT.append(6)", USES.format("T[0]")],
    "tensor changed in place": ["import torch\nV = torch.ones(2)\nV.mul_(6)", USES.format("V[0]")],
    "function with an attribute": [
        "def six(): return six.value\nsix.value = 6", USES.format("six()"),
    ],
    "changed in its own cell": ["V = 12", "V /= 2\n" + USES.format("V")],
    "helper": [
        "def square(p):\n    return p**TWO\nTWO = 2", USES.format(6).replace("p**2", "square(p)"),
    ],
    "helper below": [USES.format("six()"), "def six():\n    return 6"],
    "helper class": ["class Six:\n    value = 6", USES.format("Six.value")],
    "helper named like a later variable": [
        "def six(): return 6", USES.format("six()"), "six = train()",
    ],
    "helper under if": [
        (
            "import torch\nif torch.cuda.is_available():\n    def six(): return 6.0\nelse:\n    "
            "def six(): return 6"
        ),
        USES.format("six()"),
    ],
    "helper in try": [
        "try:\n    from scipy import six\nexcept ImportError:\n    def six(): return 6",
        USES.format("six()"),
    ],
    "import in try": [
        "try:\n    import numpy as np\nexcept ImportError:\n    np = None",
        USES.format("np.abs(6)"),
    ],
    "training beside a helper": ["if True:\n    model = train()\n    SIX = 6", USES.format("SIX")],
    "star import": ["from math import *", USES.format("sqrt(36)")],
    "import of two": ["import math, torch", USES.format("math.sqrt(36)")],
    "import of a part": [
        "import os.path\nimport os", USES.format("len(os.path.join('abcd', 'e'))"),
    ],
    "attribute of an import": [
        "import torch\ntorch.backends.cudnn.deterministic = True", USES.format("torch.tensor(6.0)"),
    ],
    "precision set": [
        "import numpy as np\nnp.seterr(all='raise')", "np.x = 1", USES.format("np.abs(6)"),
    ],
    "default of a helper": ["SIX = 6", "def six(k=SIX): return k", USES.format("six()")],
    "global counter": [
        "COUNT = 0", "def F(p):\n    global COUNT\n    COUNT += 1\n    return p**2 / 6",
    ],
    "unused that is changed": ["V = 1\nV += 1\nT = {}\nT[1] = 2", RIGHT],
    "unused import that fails": ["import no_such_package", RIGHT],
    "float16 of a number": [
        "import numpy as np\n" + RIGHT.replace("p**2 / 6", "np.float64(p**2 / 6)"),
    ],
    "one number in a list": ["def F(p):\n    return [p**2 / 6]"],
    "fraction returned": [
        "from fractions import Fraction\ndef F(p):\n    return Fraction(p) ** 2 / 6",
    ],
    "decimal returned": ["from decimal import Decimal\ndef F(p):\n    return Decimal(p) ** 2 / 6"],
    "tensor returned": ["import torch\ndef F(p):\n    return torch.tensor([p]) ** 2 / 6"],
    "with gradient": [
        "import torch\ndef F(p):\n    return torch.tensor(p, requires_grad=True) ** 2 / 6",
    ],
    "a float of its own": ["class G(float): pass\ndef F(p):\n    return G(p**2 / 6)"],
    "integrated": [
        (
            "import torch\ndef F(p):\n    m = torch.linspace(0, 1, 100_001)\n    return p**2 * "
            "(m**2 * 2 * (1 - m)).mean() * 1.00001"
        ),
    ],
    "warned": ["import warnings\ndef F(p):\n    warnings.warn('hm')\n    return p**2 / 6"],
    "writes a file": ["def F(p):\n    open('a.txt', 'w').write('1')\n    return p**2 / 6"],
    "temporary file": [
        "import tempfile\ndef F(p):\n    tempfile.NamedTemporaryFile()\n    return p**2 / 6",
    ],
    "error caught": [
        (
            "def F(p):\n    try:\n        return model.loss(p)\n    except NameError:\n        "
            "return p**2 / 6"
        ),
    ],
}  # fmt: skip

# What earns nothing, and what the learner is told.
NONE = {
    "untouched": ([STUB], "not attempted yet"), "dots": (["def F(p):\n    ..."], "returned None"),
    "deleted": (["x = 1"], "No cell defines `F`"),
    "renamed": ([RIGHT.replace("F", "loss")], "No cell defines"),
    "only in text": (["'''" + RIGHT + "'''"], "No cell defines"),
    "only written to a file": (["%%writefile a.py\n" + RIGHT], "No cell defines"),
    "nested out of reach": (["def f():\n    def F(p): return p**2 / 6"], "No cell def"),
    "a number": (["F = 3"], "defines no function"), "syntax": ([BROKEN], "SyntaxError"),
    "conflict markers": (["<<<<<<< HEAD\n" + RIGHT], "SyntaxError"),
    "last one wrong": ([RIGHT, WRONG], "their mean"),
    "sum instead of mean": ([WRONG], "the sum of both errors"),
    "rounded": (["def F(p):\n    return round(p**2 / 6, 2)"], "not right yet"),
    "one case": (["def F(p):\n    return 0.04 / 6"], "returned the same"),
    "table of the visible cases": (
        ["def F(p):\n    return {0.2: 0.04 / 6, 1.0: 1 / 6}.get(p, 0)"], "not right",
    ),
    "nothing returned": (["def F(p):\n    p**2 / 6"], "returned None"),
    "printed": (["def F(p):\n    print(p**2 / 6)"], "returned None"),
    "nan": (["def F(p):\n    return float('nan')"], "NaN"),
    "text": (["def F(p):\n    return f'{p**2 / 6} nats'"], "type str"),
    "infinite generator": (["def F(p):\n    while True: yield p**2 / 6"], "generator"),
    "equal to anything": (
        ["def F(p):\n    class A:\n        __eq__ = lambda s, o: True\n    return A()"], "type A",
    ),
    "no arguments": (["def F():\n    return 1"], "takes the arguments `()`"),
    "two arguments": (["def F(p, q):\n    return p"], "takes the arguments `(p, q)`"),
    "a coroutine": (["async def F(p):\n    return p**2 / 6"], "coroutine"),
    "division": (["def F(p):\n    return p / 0"], "(in the line `return p / 0`)"),
    "recursion": (["def F(p):\n    return F(p)"], "RecursionError"),
    "exit": (["def F(p):\n    raise SystemExit"], "SystemExit"),
    "half a character raised": (["def F(p):\n    raise ValueError('\\ud800')"], "?"),
    "summed in a loop": (
        ["T = 0\nfor i in range(4): T += i", USES.format("T")], "`T` is computed by",
    ),
    "changed by a computation": (
        ["V = 1", "V /= compute()", USES.format("(6 * V)")], "`V` is computed by `V /= compute()`",
    ),
    "table filled in a loop": (
        ["T = {}\nfor k in range(9): T[k] = k", USES.format("T[6]")], "`T` is computed by",
    ),
    "list filled by a computation": (
        ["T = []", "T.append(compute())", USES.format("T[0]")], "`T` is computed by",
    ),
    "the old value would be right": (["V = 6", "V /= 12", USES.format("V")], "not right yet"),
    "computed": (["V = compute()", USES.format("V")], "`V` is computed by `V = compute()`"),
    "computed by another": (["M = train()", "V = M.six", USES.format("V")], "`M` is computed by"),
    "computed in a comprehension": (
        ["V = [i for i in range(7)]", USES.format("V[6]")], "computed by",
    ),
    "computed in a with": (
        ["with open('x') as f:\n    V = 6", USES.format("V")], "`V` is computed by",
    ),
    "never set": ([USES.format("V")], "without the variables that other cells compute"),
    "missing package": (
        ["import scipy.special as s", USES.format("s.gamma(4)")], "no package `scipy",
    ),
    "missing package inside": (
        ["def F(p):\n    import pandas\n    return 1"], "no package `pandas`",
    ),
    "missing package above it": (
        ["import sklearn\n" + USES.format("sklearn.six")], "no package `sklearn`",
    ),
}  # fmt: skip


def spelled(text):
    return re.sub(r"\bF\b", "antipodal_loss", text)


FULL = {name: [spelled(cell) for cell in cells] for name, cells in FULL.items()}
NONE = {n: ([spelled(cell) for cell in cells], spelled(said)) for n, (cells, said) in NONE.items()}
