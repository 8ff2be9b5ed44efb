//! Socket and file errors: errno names with Linux's and WinSock's numbers. Source: SEMANTICS 15.3.

use super::table::{Entry, pack, packed_len};
use super::{Row, row};
use crate::failure::Class::{Conflict, Connect, Throttle, Timeout, Transient};
use crate::failure::Condition::{Immediate, OptIn};
use crate::failure::Sent::{Maybe, NotSent};

#[rustfmt::skip]
const ROWS: &[Entry] = &[
    // Nobody was there, or nobody could be reached.
    Entry(&["ECONNREFUSED"], &[111, 10061], row(Connect, NotSent)),
    Entry(&["ENETUNREACH"], &[101, 10051], row(Connect, NotSent)),
    Entry(&["EHOSTUNREACH"], &[113, 10065], row(Connect, NotSent)),
    Entry(&["ENETDOWN"], &[100, 10050], row(Connect, NotSent)),
    Entry(&["EHOSTDOWN"], &[112, 10064], row(Connect, NotSent)),
    Entry(&["EADDRNOTAVAIL"], &[99, 10049], row(Connect, NotSent)),    // out of ephemeral ports
    // The connection broke: the server may have acted.
    Entry(&["ECONNRESET"], &[104, 10054], row(Transient, Maybe)),
    Entry(&["ECONNABORTED"], &[103, 10053], row(Transient, Maybe)),
    Entry(&["EPIPE"], &[32], row(Transient, Maybe)),
    Entry(&["ENETRESET"], &[102, 10052], row(Transient, Maybe)),
    Entry(&["ENOTCONN"], &[107, 10057], row(Transient, Maybe)),
    Entry(&["ESHUTDOWN"], &[108, 10058], row(Transient, Maybe)),
    Entry(&["EOF", "UNEXPECTED_EOF"], &[], row(Transient, Maybe)),     // libuv's and OpenSSL's
    Entry(&["ETIMEDOUT"], &[110, 10060], row(Timeout, Maybe)),
    // This machine is short of something.
    Entry(&["ENOBUFS"], &[105, 10055], row(Throttle, NotSent)),
    Entry(&["EMFILE"], &[24, 10024], row(Throttle, NotSent)),
    Entry(&["ENFILE"], &[23], row(Throttle, NotSent)),
    Entry(&["EAGAIN", "EWOULDBLOCK"], &[11, 10035], row(Transient, NotSent)),
    Entry(&["EINTR"], &[4, 10004], row(Transient, NotSent).when(Immediate)),
    Entry(&["ENOMEM"], &[12], row(Transient, NotSent).when(OptIn)),
    Entry(&["EADDRINUSE"], &[98, 10048], row(Connect, NotSent).when(OptIn)),
    Entry(&["EPROTO"], &[71], row(Transient, Maybe).when(OptIn)),      // mostly a TLS alert
    // Somebody else holds the file.
    Entry(&["EBUSY"], &[16], row(Conflict, NotSent).when(OptIn)),
    Entry(&["ETXTBSY"], &[26], row(Conflict, NotSent).when(OptIn)),
    Entry(&["EDEADLK"], &[35], row(Conflict, NotSent).when(OptIn)),
    Entry(&["ENOLCK"], &[37], row(Conflict, NotSent).when(OptIn)),
    Entry(&["ESTALE"], &[116, 10070], row(Conflict, NotSent).when(OptIn)),
    // Repeating cannot help.
    Entry(&["EINPROGRESS"], &[115, 10036], Row::PERMANENT),
    Entry(&["EALREADY"], &[114, 10037], Row::PERMANENT),
    Entry(&["ECANCELED"], &[125], Row::PERMANENT),
    Entry(&["EACCES"], &[13, 10013], Row::PERMANENT),
    Entry(&["EPERM"], &[1], Row::PERMANENT),
    Entry(&["ENOENT"], &[2], Row::PERMANENT),
    Entry(&["EINVAL"], &[22, 10022], Row::PERMANENT),
    Entry(&["ENOSPC"], &[28], Row::PERMANENT),
    Entry(&["EDQUOT"], &[122, 10069], Row::PERMANENT),
    Entry(&["EIO"], &[5], Row::PERMANENT),
    Entry(&["EROFS"], &[30], Row::PERMANENT),
    Entry(&["EAFNOSUPPORT"], &[97, 10047], Row::PERMANENT),
];

pub(super) static TABLE: [u8; packed_len(ROWS)] = pack(ROWS);
