"""GStreamer's RTSP server as a peer of the tests, in a process of its own: PORT CLIP RECORD RTP. /live plays CLIP (H.264 and AAC in MP4) in real time to each
client from its beginning; what is pushed to /record (H.264) is written to RECORD as MPEG-TS; /relay
gives on H.264 that comes by RTP to the port RTP, to all clients the same."""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402


def main(port: str, clip: str, record: str, rtp: str) -> None:
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(port)
    plays = GstRtspServer.RTSPMediaFactory()
    plays.set_launch(f"( filesrc location={clip} ! qtdemux name=d d.video_0 ! queue ! h264parse ! rtph264pay name=pay0 pt=96 config-interval=-1 "
                     "d.audio_0 ! queue ! aacparse ! rtpmp4gpay name=pay1 pt=97 )")
    takes = GstRtspServer.RTSPMediaFactory()
    takes.set_transport_mode(GstRtspServer.RTSPTransportMode.RECORD)
    takes.set_launch(f"( rtph264depay name=depay0 ! h264parse ! mpegtsmux ! filesink location={record} async=false )")
    relays = GstRtspServer.RTSPMediaFactory()
    relays.set_shared(True)
    relays.set_latency(0)
    caps = "application/x-rtp,media=video,encoding-name=H264,payload=96,clock-rate=90000"
    relays.set_launch(f"( udpsrc address=127.0.0.1 port={rtp} caps={caps} ! rtph264depay ! h264parse ! rtph264pay name=pay0 pt=96 config-interval=-1 )")
    for path, factory in (("/live", plays), ("/record", takes), ("/relay", relays)):
        server.get_mount_points().add_factory(path, factory)
    server.attach(None)
    GLib.MainLoop().run()


main(*sys.argv[1:])
