"""The structs of mt_transcode against those of the C header, by the C compiler; and its functions against the header's."""

import ctypes
import os
import re
import shutil
import subprocess
import unittest

import mt_transcode

from .support import temporary

INCLUDE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "include")
STRUCTS = {
    "mt_transcode_engine_config": mt_transcode._EngineConfig,
    "mt_transcode_error": mt_transcode._Error,
    "mt_transcode_event": mt_transcode._Event,
    "mt_transcode_shutdown_counts": mt_transcode.ShutdownCounts,
    "mt_transcode_job_stats_data": mt_transcode.JobStats,
    "mt_transcode_output_stats_data": mt_transcode.OutputStats,
    "mt_transcode_result_count": mt_transcode._ResultCount,
    "mt_transcode_histogram": mt_transcode.Histogram,
    "mt_transcode_engine_stats_data": mt_transcode.EngineStats,
    "mt_transcode_pipe_config": mt_transcode._PipeConfig,
    "mt_transcode_pipe_stats_data": mt_transcode.PipeStats,
    "mt_transcode_io": mt_transcode._Io,
    "mt_transcode_store": mt_transcode._Store,
}


def header():
    with open(os.path.join(INCLUDE, "mt_transcode", "mt_transcode.h"), encoding="utf-8") as file:
        return file.read()


def ask_the_compiler(compiler):
    """Size of every struct, and offset and size of every field, as `name: numbers`."""
    lines = []
    for name, struct in STRUCTS.items():
        lines.append(f'printf("{name} %zu\\n", sizeof({name}));')
        for field, *_ in struct._fields_:
            lines.append(f'printf("{name}.{field} %zu %zu\\n", offsetof({name}, {field}), sizeof((({name} *)0)->{field}));')
    source, program = temporary("layout.c"), temporary("layout")
    with open(source, "w", encoding="utf-8") as file:
        file.write('#include <stdio.h>\n#include "mt_transcode/mt_transcode.h"\nint main(void) {\n%s\n}\n' % "\n".join(lines))
    subprocess.run([compiler, "-I", INCLUDE, source, "-o", program], check=True)
    output = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    return {line.split()[0]: [int(number) for number in line.split()[1:]] for line in output.splitlines()}


class Layout(unittest.TestCase):
    def test_structs(self):
        compiler = shutil.which(os.environ.get("CC", "cc"))
        if compiler is None or not os.path.isdir(INCLUDE):
            self.skipTest("needs a C compiler and the header")
        expected = {}
        for name, struct in STRUCTS.items():
            expected[name] = [ctypes.sizeof(struct)]
            for field, *_ in struct._fields_:
                place = getattr(struct, field)
                expected[f"{name}.{field}"] = [place.offset, place.size]
        self.assertEqual(ask_the_compiler(compiler), expected)

    def test_no_struct_or_field_is_missing(self):
        found = re.findall(r"typedef struct (\w+) \{(.*?)\n\} \w+;", header(), re.DOTALL)
        fields = {name: re.findall(r"(\w+)(?:\[\w+\]|\)\([^)]*\))?;", re.sub(r"//.*", "", body)) for name, body in found}
        self.assertEqual(fields, {name: [field for field, *_ in struct._fields_] for name, struct in STRUCTS.items()})

    def test_constants(self):
        values = {name: int(value) for name, value in re.findall(r"#define MT_TRANSCODE_(\w+) (-?\d+)\n", header())}
        self.assertEqual(values["ABI_VERSION"], mt_transcode.ABI_VERSION)
        for prefix, kind in (("E", mt_transcode.Code), ("STATE_", mt_transcode.State), ("EVENT_", mt_transcode.EventType),
                             ("LOG_", mt_transcode.LogMode), ("COMMAND_", mt_transcode.Command)):
            for name, member in kind.__members__.items():
                self.assertEqual(values[prefix + name], member.value, name)
        codes = {name for name, value in values.items() if value <= -1001}
        self.assertEqual(codes, {"E" + code.name for code in mt_transcode.Code})

    def test_functions(self):
        declared = set(re.findall(r"^\S[^/#]*?\bmt_transcode_(\w+)\(", header(), re.MULTILINE))
        # A log callback cannot be written in Python: FFmpeg calls it on its own threads, with a va_list. Nor can a profiler's handler of signals.
        self.assertEqual(declared - {"log_forward", "profiling", "native_stack"}, set(mt_transcode._FUNCTIONS))
