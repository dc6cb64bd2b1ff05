//! The checks of fuzz/ without libFuzzer: given seeds, and what becomes of them by bytes that are changed, cut, doubled and spliced in an order that is always the
//! same, then what must hold of any bytes holds. `make fuzz` looks further.

#[path = "../fuzz/src/lib.rs"]
mod checks;

/// xorshift64*: the same numbers on every machine.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % end.max(1)
    }

    fn change(&mut self, seeds: &[&[u8]]) -> Vec<u8> {
        let mut data = seeds[self.below(seeds.len())].to_vec();
        for _ in 0..self.below(8) {
            let at = self.below(data.len());
            match self.below(5) {
                0 if !data.is_empty() => data[at] ^= 1 << self.below(8),
                1 => data.truncate(at),
                2 => data.insert(at, self.below(256) as u8),
                3 if !data.is_empty() => drop(data.remove(at)),
                _ => {
                    let other = seeds[self.below(seeds.len())];
                    let part = &other[self.below(other.len())..];
                    data.splice(at..at, part.iter().copied());
                }
            }
        }
        data
    }
}

fn hold(check: fn(&[u8]), seeds: &[&[u8]], count: usize) {
    seeds.iter().for_each(|seed| check(seed));
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    for _ in 0..count {
        let data = numbers.change(seeds);
        let outcome = std::panic::catch_unwind(|| check(&data));
        assert!(outcome.is_ok(), "broken by {:?}", String::from_utf8_lossy(&data));
    }
}

#[test]
fn command_lines() {
    let lines = [
        "-y -i a.mp4 -c:v libx264 -b:v 1M -map 0:v:0? -map 0:a -f mpegts out.ts",
        "-filter_complex [0:v]split=2[a][b] -i in.mkv -map [a] -t 1:02.5 o.mp4 -map [b] -ss 3 -r 25 p.mp4",
        "-stream_loop -1 -itsoffset -1.5 -i - -metadata:s:a:0 title=x= -disposition:v default -shortest -- -odd",
        "-init_hw_device vaapi=x -hwaccel vaapi -i a -sdp_file - -vf scale=1:2,format=yuv420p -mt_live 1 mt:out",
        "-nostdin -noautorotate -copyts -vsync 0 -fps_mode:v:1 vfr -force_key_frames:v expr:gte(t,n_forced*2) o",
    ];
    let lines: Vec<String> = lines.iter().map(|line| line.replace(' ', "\n")).collect();
    hold(checks::arguments, &lines.iter().map(String::as_bytes).collect::<Vec<_>>(), 20_000);
}

#[test]
fn options_and_values() {
    let seeds: [&[u8]; 9] = [
        b"t\n1:02:03.5",
        b"b:v:0\n1.5M",
        b"map\n0:p:1:v?",
        b"ss\n-12ms",
        b"c:a:#1\ncopy",
        b"r\n30000/1001",
        b"metadata:s:m:language:eng\na=b",
        b"mt_max_time\n2",
        b"noaccurate_seek",
    ];
    hold(checks::option_values, &seeds, 20_000);
}

#[test]
fn calls_on_a_pipe() {
    let seeds: [&[u8]; 3] = [
        &[0, 200, 3, 100, 0, 255, 4, 255, 6, 202, 3, 255],
        &[0, 240, 1, 240, 7, 255, 0, 9],
        &[2, 0, 5, 0, 6, 201, 3, 1],
    ];
    hold(checks::pipe, &seeds, 5_000);
}

#[test]
fn frames_of_a_worker() {
    let frame = |kind: u8, payload: &[u8]| [&[kind][..], &(payload.len() as u32).to_le_bytes(), payload].concat();
    let said = [
        frame(b'N', br#"{"frames":3,"position_us":-1,"bytes_read":18446744073709551615}"#),
        frame(b'D', br#"{"code":-1001,"stage":"demux","message":"m","input":7,"url":"u","ffmpeg_code":-5}"#),
        frame(b'Z', br#"{"signal":11,"status":0,"peak_kib":5}"#),
        frame(b'O', br#"{"name":"in","as":"input","chunk":0}"#),
        [frame(b'r', &70_000u32.to_le_bytes()), frame(b's', &9u64.to_le_bytes()), frame(b'z', b"")].concat(),
        [frame(b'w', &[1; 300]), frame(b's', &u64::MAX.to_le_bytes()), frame(b'w', b"x"), frame(b'c', &[0; 5])]
            .concat(),
        vec![b'w', 255, 255, 255, 255],
    ];
    hold(checks::worker, &said.iter().map(Vec::as_slice).collect::<Vec<_>>(), 2_000);
}

#[test]
fn crash_reports() {
    let seeds: [&[u8]; 2] = [
        b"mt-transcode crash report 1\nframe 0: 0x7f /lib/a.so+0x1f a1b2\nframe 2: 0x7f /a b+0x1+0xf - interrupted\n",
        b"frame 1: 0x7f ?\nand 3 times more\nend of report\n",
    ];
    hold(checks::crash_report, &seeds, 20_000);
}
