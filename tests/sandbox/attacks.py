# SPDX-License-Identifier: Apache-2.0
"""What hostile code tries.  Each is the body of a run: it returns what tried() says.

safe: harmless when it succeeds, so that the control may run it with no protection."""

import dataclasses

PRELUDE = """
import ctypes, errno, fcntl, json, mmap, os, pickle, re, resource, signal, socket, stat, struct, sys, threading, time
libc = ctypes.CDLL(None, use_errno=True)
I = {}

def tried(*deeds):
    said = []
    for deed in deeds:
        try:
            value = deed()
        except BaseException as error:
            said.append(f"{type(error).__name__}: {error}")
        else:
            return {"escaped": True, "how": repr(value)[:200]}
    return {"escaped": False, "how": said}

def call(number, *args):
    result = libc.syscall(number, *args)
    if result == -1:
        raise OSError(ctypes.get_errno(), "denied")
    return result

def read(path, size=64):
    with open(path, "rb") as file:
        return file.read(size)

def write(path):
    with open(path, "wb") as file:
        file.write(b"x")
    os.unlink(path)

def channel():
    import given
    return given.current
"""


@dataclasses.dataclass
class Attack:
    name: str
    body: str
    safe: bool = True
    wanted: str = ""  # a pattern in how it must end, if it matters

    @property
    def takes_its_time(self):
        return "TimeoutError" in self.wanted

    @property
    def is_slow(self):
        """Takes seconds: ends when its time is up, or has much to do."""
        return self.takes_its_time or "bit by bit" in self.name or "small files" in self.name


def code(attack):
    lines = "\n".join("    " + line for line in attack.body.strip("\n").split("\n"))
    return f"{PRELUDE}\nasync def run(input_dict, tools):\n    global I\n    I = input_dict\n{lines}\n"


ATTACKS = [
    # ---- files
    Attack("reads /etc/passwd", "return tried(lambda: read('/etc/passwd'))"),
    Attack("reads the server's secret", "return tried(lambda: read(I['secret']))"),
    Attack("reads its own environment in /proc", "return tried(lambda: read('/proc/self/environ'))"),
    Attack("reads its memory map", "return tried(lambda: read('/proc/self/maps'))"),
    Attack("opens its memory", "return tried(lambda: os.close(os.open('/proc/self/mem', os.O_RDWR)))"),
    Attack("reads the server's environment", "return tried(lambda: read(f\"/proc/{I['server']}/environ\"))"),
    Attack("lists the root", "return tried(lambda: [n for n in os.listdir('/') if n in ('home', 'root', 'work')][0])"),
    Attack("lists /proc", "return tried(lambda: [n for n in os.listdir('/proc') if n.isdigit()][0])"),
    Attack("finds secrets in the environment", "return tried(lambda: [k for k in os.environ if 'EINION_TEST_SECRET' in k][0])", False),
    Attack("writes beside the secret", "return tried(lambda: write(I['secret'] + '.x'))"),
    Attack("writes the standard library", "return tried(lambda: os.close(os.open(os.__file__, os.O_WRONLY)))"),
    Attack("writes the runtime", "return tried(lambda: write('/ein/x.py'), lambda: write(os.path.dirname(I['plugin']) + '/sandbox/x.py'))"),
    Attack("writes to /usr/local", "return tried(lambda: write('/usr/local/x'))"),
    Attack("links the secret into /tmp", "os.path.lexists('/tmp/sl-ein') and os.unlink('/tmp/sl-ein')\nreturn tried(lambda: (os.symlink(I['secret'], '/tmp/sl-ein'), read('/tmp/sl-ein'), os.unlink('/tmp/sl-ein')))"),
    Attack("hard-links a program into /tmp", "return tried(lambda: (os.link(os.__file__, '/tmp/hl-ein'), os.unlink('/tmp/hl-ein')))", False),
    Attack("moves a library", "return tried(lambda: os.rename(os.__file__, '/tmp/os.py'))", False),
    Attack("climbs out of a folder", "return tried(lambda: os.read(os.open('../../../../../etc/passwd', os.O_RDONLY, dir_fd=os.open('/usr/lib', os.O_RDONLY | os.O_DIRECTORY)), 20))"),
    Attack("climbs out of /tmp", "return tried(lambda: (os.chdir('/tmp'), read('../etc/passwd')))"),
    Attack("changes a mode", "return tried(lambda: os.chmod(I['secret'], 0o600))"),
    Attack("changes an owner", "return tried(lambda: os.chown(I['secret'], os.getuid(), os.getgid()))"),
    Attack("changes a time", "return tried(lambda: os.utime(I['secret']))"),
    Attack("empties a file by path", "return tried(lambda: os.truncate(I['secret'] + '.none', 0), lambda: os.truncate(I['scratch'], 0))"),
    Attack("sets an attribute", "return tried(lambda: os.setxattr(I['scratch'], 'user.x', b'1'))", False),
    Attack("makes a device", "return tried(lambda: os.mknod('/tmp/dev-ein', 0o20600, os.makedev(1, 1)))", False),
    Attack("makes a fifo", "return tried(lambda: (os.mkfifo('/tmp/fifo-ein'), os.unlink('/tmp/fifo-ein')))"),
    Attack("opens raw devices", "return tried(*[lambda p=p: os.close(os.open(p, 0)) for p in ('/dev/mem', '/dev/kmsg', '/dev/vda', '/dev/tty', '/dev/zero')])"),
    Attack("finds descriptors of the server", "bad = []\nfor fd in range(4, 1024):\n    try:\n        mode = os.fstat(fd).st_mode\n    except OSError:\n        continue\n    if stat.S_IFMT(mode) and not stat.S_ISSOCK(mode):\n        bad.append((fd, oct(mode)))\nreturn {'escaped': bool(bad), 'how': str(bad)}", False),
    Attack("opens by handle", "return tried(lambda: call(304, -100, ctypes.create_string_buffer(64), 0))", False, "forbidden system call"),
    Attack("changes the root", "return tried(lambda: os.chroot('/tmp'))", False),
    Attack("mounts", "return tried(lambda: call(165, b'none', b'/tmp', b'tmpfs', 0, 0))", False),
    Attack("unmounts", "return tried(lambda: call(166, b'/w/tmp', 2))", False),
    Attack("uses openat2", "return tried(lambda: call(437, -100, b'/etc/passwd', (ctypes.c_uint64 * 3)(), 24))"),
    # ---- network
    Attack("connects to the server", "return tried(lambda: socket.create_connection(('127.0.0.1', I['port']), 2).close())"),
    Attack("connects over IPv6", "def go():\n    s = socket.socket(socket.AF_INET6)\n    return s.bind(('::1', 0))\nreturn tried(go)"),
    Attack("listens", "def go():\n    s = socket.socket()\n    s.bind(('127.0.0.1', 0))\n    s.listen()\nreturn tried(go)"),
    Attack("connects to a socket in the file system", "def go():\n    s = socket.socket(socket.AF_UNIX)\n    s.connect(I['socket'])\nreturn tried(go)"),
    Attack("connects to an abstract socket", "def go():\n    s = socket.socket(socket.AF_UNIX)\n    s.connect('\\0' + I['abstract'])\nreturn tried(go)"),
    Attack("sends a datagram", "def go():\n    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n    return s.sendto(b'x', ('127.0.0.1', I['port']))\nreturn tried(go)"),
    Attack("sends a letter past its pair", "def go():\n    mine, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)\n    return mine.sendto(b'x', I['letters'])\nreturn tried(go)"),
    Attack("opens a raw socket", "return tried(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))", False),
    Attack("talks netlink", "return tried(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).bind((0, 0)))"),
    Attack("talks to the host's hypervisor", "return tried(lambda: socket.socket(40, socket.SOCK_STREAM))", False),
    Attack("talks to the kernel's cryptography", "return tried(lambda: socket.socket(38, socket.SOCK_SEQPACKET).bind(('hash', 'sha256')))", False),
    Attack("fetches a URL of the server", "import urllib.request\nreturn tried(lambda: urllib.request.urlopen(f\"http://127.0.0.1:{I['port']}/\", timeout=2).read())", False),
    Attack("fetches through http_client", "r = await http_client.get(f\"http://127.0.0.1:{I['port']}/\")\nreturn {'escaped': True, 'how': r.text}", False, "ConnectError"),
    # ---- processes
    Attack("forks", "def go():\n    pid = os.fork()\n    if pid == 0:\n        os._exit(0)\n    os.waitpid(pid, 0)\nreturn tried(go)"),
    Attack("vforks", "def go():\n    pid = libc.vfork()\n    if pid == 0:\n        libc._exit(0)\n    if pid < 0:\n        raise OSError\nreturn tried(go)", False),
    Attack("clones into new namespaces", "def go():\n    pid = call(56, 0x10000000 | 17, 0, 0, 0, 0)\n    if pid == 0:\n        os._exit(0)\nreturn tried(go)"),
    Attack("clones with clone3", "b = (ctypes.c_ulong * 11)()\nb[4] = 17\ndef go():\n    pid = call(435, ctypes.byref(b), 88)\n    if pid == 0:\n        os._exit(0)\nreturn tried(go)"),
    Attack("starts a program", "import subprocess\nreturn tried(lambda: subprocess.run(['/usr/bin/id'], capture_output=True).stdout)"),
    Attack("starts a shell", "return {'escaped': os.system('true') == 0, 'how': ''}"),
    Attack("spawns a program", "return tried(lambda: os.waitpid(os.posix_spawn('/usr/bin/true', ['true'], {}), 0))"),
    Attack("becomes a program", "return tried(lambda: os.execv(sys.executable, ['python3', '-c', 'pass']))", False),
    Attack("becomes a program by descriptor", "return tried(lambda: call(322, -100, b'/usr/bin/true', 0, 0, 0x1000))", False),
    Attack("signals the server", "return tried(lambda: os.kill(I['server'], 0))"),
    Attack("signals a neighbour", "return tried(lambda: os.kill(I['neighbour'], 0))"),
    Attack("signals everybody", "return tried(lambda: os.kill(-1, 0))"),
    Attack("signals its parent", "return tried(lambda: os.kill(os.getppid() or 1, 0))"),
    Attack("takes a handle on the server", "return tried(lambda: call(434, I['server'], 0))"),
    Attack("takes a descriptor of another process", "return tried(lambda: call(438, 3, 0, 0))", False, "forbidden system call"),
    Attack("traces a neighbour", "return tried(lambda: call(101, 16, I['neighbour'], 0, 0) and 0, lambda: call(101, 17, I['neighbour'], 0, 0))", True),
    Attack("reads a neighbour's memory", "b = ctypes.create_string_buffer(8)\nv = (ctypes.c_ulong * 2)(ctypes.addressof(b), 8)\nreturn tried(lambda: call(310, I['neighbour'], v, 1, v, 1, 0))", False, "forbidden system call"),
    Attack("changes a neighbour's limits", "return tried(lambda: resource.prlimit(I['neighbour'], resource.RLIMIT_CORE, (0, 0)))"),
    Attack("changes a neighbour's priority", "return tried(lambda: os.setpriority(os.PRIO_PROCESS, I['neighbour'], 1))"),
    Attack("raises its limits", "return tried(lambda: resource.setrlimit(resource.RLIMIT_CPU, (100000, 100000)), lambda: resource.setrlimit(resource.RLIMIT_AS, (1 << 40, 1 << 40)))", False),
    Attack("raises its priority", "return tried(lambda: os.nice(-10))", False),
    Attack("asks for real time", "return tried(lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)))", False),
    Attack("leaves its session", "return tried(lambda: os.setsid())"),
    Attack("becomes root", "return tried(lambda: os.setuid(0) if os.getuid() else 1 / 0, lambda: os.setgroups([0]), lambda: os.setresuid(0, 0, 0))", False),
    Attack("takes capabilities back", "h = (ctypes.c_uint * 2)(0x20080522, 0)\nd = (ctypes.c_uint * 6)(*[0xffffffff] * 6)\nreturn tried(lambda: call(126, h, d))", False),
    Attack("unshares its user namespace", "return tried(lambda: call(272, 0x10000000))", True),
    Attack("joins another namespace", "return tried(lambda: call(308, 0, 0))", False, "forbidden system call"),
    Attack("uses personality", "return tried(lambda: call(135, 0x0040000))"),
    Attack("lifts its own death with its parent", "return tried(lambda: call(157, 1, 0))"),
    Attack("makes itself dumpable", "return tried(lambda: call(157, 4, 1))"),
    Attack("installs a filter of its own", "return tried(lambda: call(157, 22, 2, 0))", False),
    # ---- the kernel's other doors
    Attack("uses io_uring", "return tried(lambda: call(425, 1, ctypes.create_string_buffer(256)))"),
    Attack("uses bpf", "return tried(lambda: call(321, 0, 0, 0))", False, "forbidden system call"),
    Attack("uses perf events", "return tried(lambda: call(298, ctypes.create_string_buffer(128), 0, -1, -1, 0))", False, "forbidden system call"),
    Attack("uses userfaultfd", "return tried(lambda: call(323, 1))"),
    Attack("keeps a key", "return tried(lambda: call(248, b'user', b'ein', b'x', 1, -3))"),
    Attack("makes a memory file", "return tried(lambda: os.close(os.memfd_create('x')))"),
    Attack("shares System V memory", "def go():\n    n = call(29, 0, 4096, 0o1600)\n    call(31, n, 0, 0)\nreturn tried(go)"),
    Attack("makes a message queue", "def go():\n    call(71, call(68, 0, 0o1600), 0, 0)\nreturn tried(go)"),
    Attack("watches files", "return tried(lambda: os.close(call(253)))"),
    Attack("loads a module", "return tried(lambda: call(175, b'', 0, b''))", False, "forbidden system call"),
    Attack("reads the kernel's log", "return tried(lambda: call(103, 3, ctypes.create_string_buffer(64), 64))", False),
    Attack("sets the clock", "return tried(lambda: time.clock_settime(time.CLOCK_REALTIME, time.time()))", False),
    Attack("sets the host's name", "return tried(lambda: socket.sethostname('x'))", False),
    Attack("asks for 32-bit calls", "m = mmap.mmap(-1, 4096, prot=7)\nreturn {'escaped': True, 'how': 'rwx'}"),
    Attack("makes memory executable", "def go():\n    libc.mmap.restype = ctypes.c_void_p\n    p = libc.mmap(None, 4096, 3, 34, -1, 0)\n    if libc.mprotect(ctypes.c_void_p(p), 4096, 5):\n        raise OSError\nreturn tried(go)"),
    Attack("makes memory executable with a key", "def go():\n    libc.mmap.restype = ctypes.c_void_p\n    p = libc.mmap(None, 4096, 3, 34, -1, 0)\n    call(329, ctypes.c_void_p(p), 4096, 5, -1)\nreturn tried(go)"),
    Attack("loads its own library", "def go():\n    with open('/tmp/own-ein.so', 'wb') as f:\n        f.write(open(I['library'], 'rb').read())\n    try:\n        ctypes.CDLL('/tmp/own-ein.so')\n    finally:\n        os.unlink('/tmp/own-ein.so')\nreturn tried(go)"),
    Attack("enlarges a pipe", "return tried(lambda: fcntl.fcntl(os.pipe()[1], 1031, 1 << 20))"),
    Attack("pushes a terminal's input", "return tried(lambda: fcntl.ioctl(0, 0x5412, b'x'))", False),
    Attack("asks for signals on input", "return tried(lambda: fcntl.fcntl(3, 8, os.getpid()))"),
    Attack("unpickles a command", "class X:\n    def __reduce__(self):\n        return (os.system, ('true',))\nreturn {'escaped': pickle.loads(pickle.dumps(X())) == 0, 'how': ''}", False),
    # ---- what is known of others
    *[
        Attack(f"shares the server's {name} namespace", f"return tried(lambda: 1 / (os.readlink('/proc/self/ns/{name}') == I['namespaces']['{name}']))")
        for name in ("user", "pid", "mnt", "net", "ipc", "uts", "cgroup")
    ],
    Attack("learns the host's name", "return tried(lambda: 1 / (socket.gethostname() == I['host']))"),
    Attack("learns its host's processors through the server", "return tried(lambda: os.sched_getaffinity(I['server']))"),
    Attack("reads a neighbour's limits", "return tried(lambda: resource.prlimit(I['neighbour'], resource.RLIMIT_CORE))"),
    Attack("asks where a neighbour's locks are", "p, n = ctypes.c_void_p(), ctypes.c_size_t()\nreturn tried(lambda: call(274, I['neighbour'], ctypes.byref(p), ctypes.byref(n)))"),
    Attack("compares itself with a neighbour", "return tried(lambda: call(312, os.getpid(), I['neighbour'], 1, 0, 0))"),
    Attack("asks for a neighbour's session", "return tried(lambda: os.getsid(I['neighbour']))"),
    Attack("lists the network's connections", "return tried(lambda: read('/proc/net/tcp'))"),
    Attack("lists the mounts", "return tried(lambda: read('/proc/mounts'))"),
    Attack("reads the kernel's settings", "return tried(lambda: os.listdir('/sys/kernel'), lambda: read('/proc/sys/kernel/ostype'))"),
    Attack("goes through its parent's root", "return tried(lambda: os.listdir('/proc/1/root'), lambda: read(f\"/proc/{os.getppid()}/root/etc/passwd\"))"),
    Attack("shares memory by name", "return tried(lambda: write('/dev/shm/ein'), lambda: call(240, b'ein', 0o102, 0o600, 0) and 0)"),
    Attack("shares semaphores", "def go():\n    call(66, call(64, 0, 1, 0o1600), 0, 0)\nreturn tried(go)"),
    # ---- less known doors
    Attack("runs a program of root's", "import subprocess\ndef go():\n    said = subprocess.run([I['setuid'], '-u'], capture_output=True, text=True).stdout\n    assert int(said) != os.getuid() or os.getuid() == 0\nreturn tried(go)"),
    Attack("takes a name for a handle", "h = ctypes.create_string_buffer(struct.pack('Ii', 128, 0), 136)\nm = ctypes.c_int()\nreturn tried(lambda: call(303, -100, os.__file__.encode(), h, ctypes.byref(m), 0))"),
    Attack("sets timers", "t = ctypes.c_int()\nreturn tried(lambda: call(222, 1, None, ctypes.byref(t)), lambda: signal.setitimer(signal.ITIMER_REAL, 1000))"),
    Attack("makes a timer's descriptor", "return tried(lambda: os.close(call(283, 1, 0)))"),
    Attack("makes a signal's descriptor", "m = ctypes.c_ulong(1)\nreturn tried(lambda: os.close(call(289, -1, ctypes.byref(m), 8, 0)))"),
    Attack("moves pages between pipes", "r, w = os.pipe()\nr2, w2 = os.pipe()\nos.write(w, b'x')\nreturn tried(lambda: call(276, r, w2, 1, 0), lambda: call(278, w2, (ctypes.c_ulong * 2)(0, 0), 1, 0))"),
    Attack("writes a file's pages", "def go():\n    with open(os.__file__, 'r+b') as f:\n        mmap.mmap(f.fileno(), 0, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)\nreturn tried(go)", False),
    Attack("sends a file by itself", "def go():\n    r, w = os.pipe()\n    with open(os.__file__, 'rb') as f:\n        return os.sendfile(w, f.fileno(), 0, 10)\nreturn tried(go)"),
    Attack("chooses its processors", "return tried(lambda: os.sched_setaffinity(0, os.sched_getaffinity(0)))"),
    Attack("places its memory", "return tried(lambda: call(238, 0, None, 0))"),
    Attack("poisons its memory", "p = mmap.mmap(-1, 4096)\nreturn tried(lambda: p.madvise(101, 0, 4096))", False),
    Attack("talks to ports", "return tried(lambda: call(172, 3), lambda: call(173, 0x80, 1, 1))", False),
    Attack("changes its segments", "return tried(lambda: call(154, 0, ctypes.create_string_buffer(64), 64))"),
    Attack("uses the numbers of another calling convention", "return tried(lambda: call(0x40000000 | 39))"),
    Attack("makes a sandbox that it supervises", "p = (ctypes.c_ulong * 2)(1, ctypes.addressof(ctypes.create_string_buffer(struct.pack('HBBI', 6, 0, 0, 0x7fff0000), 8)))\nreturn tried(lambda: call(317, 1, 8, p))", False),
    Attack("makes a ruleset of its own", "return tried(lambda: call(444, None, 0, 1))"),
    Attack("mounts by descriptors", "return tried(lambda: call(430, b'tmpfs', 0))", False, "forbidden system call"),
    Attack("watches the whole file system", "return tried(lambda: os.close(call(300, 0, 0)))", False),
    Attack("asks what is charged to whom", "return tried(lambda: call(179, 0x800001 << 8, None, 0, None) and 0, lambda: call(163, None))", False),
    Attack("waits for others' children", "return tried(lambda: os.waitpid(-1, os.WNOHANG))", False),
    Attack("mocks a terminal", "return tried(lambda: os.openpty())"),
    Attack("opens many waits", "l = []\ndef go():\n    for _ in range(300):\n        l.append(os.eventfd(0) if hasattr(os, 'eventfd') else os.pipe())\nr = tried(go)\nfor fd in l:\n    os.close(fd)\nreturn r", False),
    Attack("writes a sparse file", "def go():\n    try:\n        with open('/tmp/sparse-ein', 'wb') as f:\n            f.truncate(1 << 40)\n    finally:\n        os.unlink('/tmp/sparse-ein')\nreturn tried(go)"),
    Attack("dumps its core", "return tried(lambda: 1 / (resource.getrlimit(resource.RLIMIT_CORE)[1] != 0))"),
    Attack("holds a capability", "h = (ctypes.c_uint * 2)(0x20080522, 0)\nd = (ctypes.c_uint * 6)()\ndef go():\n    call(125, h, d)\n    assert any(d)\nreturn tried(go)"),
    Attack("keeps its bounding set", "return tried(lambda: 1 / call(157, 23, 21, 0, 0, 0))"),
    Attack("asks for new privileges", "return tried(lambda: 1 / (call(157, 39, 0, 0, 0, 0) == 0))"),
    Attack("is root where it lives", "return tried(lambda: 1 / (os.getuid() == 0))"),
    # ---- quantity
    Attack("duplicates descriptors", "l = []\ndef go():\n    for _ in range(3000):\n        l.append(os.dup(0))\nr = tried(go)\nfor fd in l:\n    os.close(fd)\nreturn r", False),
    Attack("starts threads", "e = threading.Event()\ndef go():\n    for _ in range(300):\n        threading.Thread(target=e.wait, daemon=True).start()\nr = tried(go)\ne.set()\nreturn r"),
    Attack("fills the disk", "def go():\n    try:\n        with open('/tmp/fill-ein', 'wb') as f:\n            for _ in range(40):\n                f.write(b'x' * (1 << 20))\n    finally:\n        os.unlink('/tmp/fill-ein')\nreturn tried(go)"),
    Attack("fills the disk with small files", "import tempfile, shutil\nd = tempfile.mkdtemp()\ndef go():\n    try:\n        for n in range(2000):\n            open(f'{d}/{n}', 'w').close()\n    finally:\n        shutil.rmtree(d, True)\nreturn tried(go)"),
    Attack("takes all memory at once", "return tried(lambda: len(bytearray(3 << 30)))", False),
    Attack("takes memory bit by bit", "l = []\nwhile True:\n    l.append(bytearray(1 << 20))", False),
    Attack("locks memory", "return tried(lambda: call(151, 3))", False),
    Attack("never ends", "while True:\n    pass", False, "CPU|TimeoutError"),
    Attack("sleeps for ever", "time.sleep(10 ** 6)", False, "TimeoutError"),
    Attack("waits for ever", "await asyncio.sleep(10 ** 6)", False, "TimeoutError"),
    Attack("swallows being cancelled", "while True:\n    try:\n        await asyncio.sleep(10 ** 6)\n    except BaseException:\n        pass", False, "TimeoutError"),
    Attack("backtracks in a pattern", "re.match('(a+)+$', 'a' * 40 + 'b')", False, "CPU|TimeoutError"),
    Attack("ignores all signals", "for n in range(1, 32):\n    try:\n        signal.signal(n, signal.SIG_IGN)\n    except OSError:\n        pass\nwhile True:\n    pass", False, "CPU|TimeoutError"),
    # ---- ends
    Attack("dereferences nothing", "ctypes.string_at(0)", False, "crashed"),
    Attack("recurses in C", "sys.setrecursionlimit(10 ** 9)\nx = []\nfor _ in range(10 ** 6):\n    x = [x]\nreturn repr(x)", False),
    Attack("aborts", "os.abort()", False),
    Attack("exits", "os._exit(0)", False, "without returning a result"),
    Attack("kills itself", "os.kill(os.getpid(), 9)", False),
    Attack("raises SystemExit", "sys.exit(3)", False, "SystemExit: 3"),
    # ---- the channel
    Attack("asks for what is not offered", "v = await channel().acall('admin.exec', {'cmd': 'id'})\nreturn {'escaped': True, 'how': str(v)}", False, "no such call"),
    Attack("asks without parameters", "v = await channel().acall('ds.get', None)\nreturn {'escaped': True, 'how': str(v)}", False),
    Attack("calls an agent it has not imported", "v = await gofannon_client.call('victim', {})\nreturn {'escaped': True, 'how': str(v)}", False, "not imported"),
    Attack("sends garbage", "channel().socket.sendall(b'\\xff' * 4096)\ntime.sleep(5)\nreturn {'escaped': True, 'how': ''}", False, "sent a message of"),
    Attack("sends what is no JSON", "channel().socket.sendall(struct.pack('<II', 5, 0) + b'{nope')\ntime.sleep(5)\nreturn {'escaped': True, 'how': ''}", False, "not JSON"),
    Attack("sends deep JSON", "j = b'[' * 200000\nchannel().socket.sendall(struct.pack('<II', len(j), 0) + j)\ntime.sleep(5)\nreturn {'escaped': True, 'how': ''}", False, "nested deeper"),
    Attack("sends invalid UTF-8", "j = b'{\"t\": \"\\xff\\xfe\"}'\nchannel().socket.sendall(struct.pack('<II', len(j), 0) + j)\ntime.sleep(5)\nreturn {'escaped': True, 'how': ''}", False, "not JSON"),
    Attack("announces a huge message", "channel().socket.sendall(struct.pack('<II', 0x7fffffff, 0x7fffffff))\ntime.sleep(5)\nreturn {'escaped': True, 'how': ''}", False, "limit"),
    Attack("sends half a message", "channel().socket.sendall(struct.pack('<II', 1000, 0) + b'{')\ntime.sleep(100)", False, "TimeoutError"),
    Attack("calls and does not read", "c = channel()\nfor n in range(200000):\n    c.send({'t': 'call', 'id': n + 10 ** 6, 'm': 'ds.get', 'p': {'namespace': 'a', 'key': 'b'}})\nreturn {'escaped': True, 'how': ''}", False),
    Attack("sends descriptors", "return tried(lambda: socket.send_fds(channel().socket, [b'x'], [0, 1, 2]))", False),
    Attack("closes its socket", "os.close(3)\ntime.sleep(5)\nreturn {'escaped': True, 'how': ''}", False, "closed its connection"),
    Attack("returns too much", "return {'escaped': True, 'how': 'z' * (60 << 20)}", False, "limit|TimeoutError"),
    Attack("returns too deep a thing", "d = {}\nfor _ in range(100):\n    d = {'a': d}\nreturn {'escaped': True, 'how': d}", False, "nested deeper"),
]  # fmt: skip

BY_NAME = {attack.name: attack for attack in ATTACKS}
assert len(BY_NAME) == len(ATTACKS)
