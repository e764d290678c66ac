"""File names that mean more than a file to some program, and lines that a name or a title would add to a log."""

import os

LOG = "\n[info] Input #1, lavfi, from 'anullsrc@0':\n[info] Stream mapping:\n[info]   Stream #0:7 -> #0:0 (x (native)\n"
SHOWN = "[Parsed_showinfo_0 @ 0x1] [info] n:   0 pts:      0 pts_time:0 s:99x99 \n"
NAMES = [
    "a b.mp4", " lead.mp4", "trail .mp4", "dots...mp4", "it's.mp4", 'a"b.mp4', "'.mp4", "\\.mp4", "a\\nb.mp4", "a\nb.mp4", "\n", "a\rb.mp4",
    "a\tb.mp4", "\x1b[31mred.mp4", "\x07.mp4", "\x7f.mp4", "-y.mp4", "-i", "--", "-", "-f", "-version", "--help.mp4", "-vf.mp4", "@list.mp4",
    "%03d.mp4", "%d.mp4", "img%03d.png.mp4", "%s%n.mp4", "*.mp4", "?.mp4", "[ab].mp4", "{a,b}.mp4", "~", "~root.mp4", "$HOME.mp4", "${IFS}.mp4",
    "$(touch canary).mp4", "`touch canary`.mp4", "a;touch canary;.mp4", "|touch canary", "a&b.mp4", ">canary", "a,b.mp4", "a=b.mp4",
    "concat:a|b", "concat:a.mp4|b.mp4", "concatf:list", "http:x.mp4", "https:x.mp4", "file:a.mp4", "file:..", "file,a.mp4", "pipe:0", "pipe:", "fd:0",
    "data:video;base64,AAAA", "data:,a", "subfile,,start,0,end,0,,:a.mp4", "crypto:a.mp4", "cache:a.mp4", "async:a.mp4", "tee:a.mp4",
    "rtmp:x", "udp:1", "tcp:1", "unix:x", "ftp:x", "md5:", "prompeg:x", "lavfi:color", "lavfi", "testsrc.mp4", "null", "anullsrc", "nul", "con.mp4",
    "a.mp4#frag", "a.mp4?query=1", "a.m3u8", "a.ffconcat", "list.txt", "x.sdp", "x.mpd", "a.jpg", "a.avs", "a.vpy", "noending", ".hidden", "...",
    "é.mp4", "e\u0301.mp4", "ä" * 100 + ".mp4", "\u202egp4.mp4", "\u200b.mp4", "\ufeff.mp4", "\u2028.mp4", "\u0085.mp4", "日本語.mp4", "\U0001f400.mp4",
    os.fsdecode(b"\xff\xfe.mp4"), os.fsdecode(b"\xe4\xf6.mp4"), os.fsdecode(b"\xed\xa0\x80.mp4"), "x" * 251 + ".mp4", f"b{LOG}{SHOWN}.mp4",
    "[info] Stream mapping:", "m'\n[error] x.mp4", "from 'x'.mp4", "x.mp4 -y out.mp4",
]  # fmt: skip
