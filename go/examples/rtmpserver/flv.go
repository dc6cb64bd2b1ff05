package main

import (
	"encoding/binary"
	"io"
)

// Types of FLV's tags, which are those of RTMP's messages.
const (
	tagAudio  = 8
	tagVideo  = 9
	tagScript = 18
)

// flvHeader says that there may be picture and sound. The four zeros are the size of the tag before the first.
var flvHeader = []byte{'F', 'L', 'V', 1, 5, 0, 0, 0, 9, 0, 0, 0, 0}

// writeTag writes one tag in one piece: a header of 11 bytes, the payload as it is in RTMP, the size of both.
func writeTag(w io.Writer, kind byte, timestamp uint32, payload []byte) error {
	tag := make([]byte, 11, 11+len(payload)+4)
	binary.BigEndian.PutUint32(tag, uint32(kind)<<24|uint32(len(payload))&0xffffff)
	binary.BigEndian.PutUint32(tag[4:], timestamp<<8|timestamp>>24) // milliseconds; the highest byte comes last
	tag = append(tag, payload...)
	tag = binary.BigEndian.AppendUint32(tag, uint32(11+len(payload)))
	_, err := w.Write(tag)
	return err
}
