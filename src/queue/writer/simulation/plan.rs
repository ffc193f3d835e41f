//! What a seed decides: what is connected to, who calls, and what goes wrong when. After the last fault comes a calm, in
//! which everything that was promised must come true.

use std::time::Duration;

use super::chance::Chance;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topology {
    /// One name, which leads to one of the servers.
    Name,
    Cluster,
    Sentinels,
}

/// What the server says without running the script.
pub const REFUSALS: [&str; 13] = [
    "LOADING Redis is loading the dataset in memory",
    "BUSY Redis is busy running a script.",
    "ASK 1 node:0",
    "TRYAGAIN Multiple keys request during rehashing of slot",
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    "READONLY You can't write against a read only replica.",
    "NOREPLICAS Not enough good replicas to write.",
    "CLUSTERDOWN Hash slot not served",
    "OOM command not allowed when used memory > 'maxmemory'.",
    "MISCONF Errors writing to the AOF file",
    "NOPERM this user may not run XADD",
    "ERR Error running script (call to f_1b): @user_script:41: -OOM command not allowed",
    "WRONGTYPE Operation against a key holding the wrong kind of value",
];

/// What a proxy says in the server's place.
pub const OF_PROXIES: [&str; 3] = ["ERR Connection timed out", "ERR Broken pipe", "upstream failure"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// All connections are reset, and what was on its way may arrive or not.
    Cut,
    /// Connections are reset when so many bytes more have come in, or gone out.
    CutAt {
        incoming: bool,
        bytes: u64,
    },
    /// A write fails when the kernel has taken so many bytes more, of which all may arrive.
    CutWrite(u64),
    /// Nobody is let in.
    Refuse,
    /// No packet passes.
    Hole,
    /// The connections that there are never carry a byte again, and nobody says so.
    HalfOpen,
    /// The server is stopped: it takes connections, and does nothing.
    Pause,
    /// It answers, but runs no script.
    PauseWrites,
    /// All answers take so long.
    Slow(Duration),
    /// All scripts take so long, one after the other.
    Heavy(Duration),
    /// One of `REFUSALS`.
    Say(usize),
    /// One of `OF_PROXIES`, whether the script has run or not.
    Proxy(usize),
    /// The scripts are forgotten.
    Flush,
    /// It is gone for a while, and comes back without scripts, with its data or without.
    Restart {
        loses: bool,
    },
    /// Replies of the connections that there are come a byte at a time.
    Drip,
    /// The next reply has no end, is no reply, belongs to something else, or comes twice.
    Endless,
    Garbage,
    Wrong,
    Twice,
    /// No replica confirms anything, or none can be asked.
    NoReplica {
        error: bool,
    },
    /// Another server has the data from now on, but for the last few jobs, and the old one dies or becomes a replica.
    Failover {
        dies: bool,
        loses: u64,
    },
}

#[derive(Debug)]
pub struct Episode {
    pub fault: Fault,
    pub from: Duration,
    pub until: Duration,
}

/// One who hands over jobs.
#[derive(Debug)]
pub struct Caller {
    pub queue: usize,
    pub first: Duration,
    pub bursts: u64,
    /// The longest pause between bursts, in ms, and the most jobs in one.
    pub pause: u64,
    pub most: u64,
    /// Ids are drawn from so many.
    pub ids: u64,
    /// When it goes on at another writer.
    pub moves: Option<Duration>,
}

#[derive(Debug)]
pub struct Plan {
    pub topology: Topology,
    /// How many servers could be the primary, and how many sentinels there are beside.
    pub data: usize,
    pub sentinels: usize,
    pub tls: bool,
    pub replicated: bool,
    pub database: u32,
    pub password: bool,
    pub connect_timeout: Option<Duration>,
    /// How many bytes the kernel holds for a connection.
    pub room: usize,
    /// What a packet takes, the look-up of a name, and each answer in addition.
    pub latency: Duration,
    pub lookup: Duration,
    pub answering: Duration,
    pub episodes: Vec<Episode>,
    pub calm: Duration,
    pub callers: Vec<Caller>,
    /// One of the sinks has a defect.
    pub panics: bool,
    pub second: bool,
}

const MS: Duration = Duration::from_millis(1);

impl Plan {
    pub fn draw(chance: &mut Chance) -> Plan {
        let topology = match chance.below(6) {
            0 => Topology::Cluster,
            1 => Topology::Sentinels,
            _ => Topology::Name,
        };
        let latency = MS * chance.of(&[0, 0, 1, 1, 5, 40]);
        let answering = MS * chance.of(&[0, 0, 0, 0, 0, 100, 900, 2500]);
        let lookup = MS * chance.of(&[0, 0, 0, 0, 1, 1500, 4000]);
        let span = chance.between(200, 6000);
        let episodes = episodes(chance, span);
        let last = episodes.iter().map(|episode| episode.until).max().unwrap_or_default();
        let second = chance.one_in(5);
        let callers = (0..chance.between(1, 4)).map(|_| caller(chance, span, second)).collect();
        Plan {
            topology,
            data: if topology == Topology::Name { 2 } else { 3 },
            sentinels: if topology == Topology::Sentinels { 3 } else { 0 },
            tls: chance.one_in(2),
            replicated: chance.one_in(4),
            database: if topology == Topology::Cluster { 0 } else { chance.of(&[0, 0, 3]) },
            password: chance.one_in(3),
            connect_timeout: chance.one_in(4).then(|| chance.ms(20_000, 25_000)),
            room: chance.of(&[300, 4_000, 64_000, 64_000, 1_000_000]),
            latency,
            lookup,
            answering,
            episodes,
            calm: last,
            callers,
            panics: chance.one_in(40),
            second,
        }
    }
}

fn episodes(chance: &mut Chance, span: u64) -> Vec<Episode> {
    // A run knows a few kinds of fault, so that each is seen with each other, and by itself.
    let kinds: Vec<u64> = (0..chance.between(0, 4)).map(|_| chance.below(21)).collect();
    let count = if kinds.is_empty() { 0 } else { chance.between(1, 6) };
    let mut episodes: Vec<Episode> = (0..count)
        .map(|_| {
            let kind = chance.of(&kinds);
            let fault = fault(chance, kind);
            let from = chance.ms(0, span);
            let most = chance.of(&[20, 300, 3000]);
            Episode { fault, from, until: from + chance.ms(0, most) }
        })
        .collect();
    episodes.sort_by_key(|episode| episode.from);
    // One primary follows the other once, and the old one is no more.
    let mut failed = false;
    episodes.retain(|episode| {
        let fails = matches!(episode.fault, Fault::Failover { .. });
        !(fails && std::mem::replace(&mut failed, true))
    });
    episodes
}

fn fault(chance: &mut Chance, kind: u64) -> Fault {
    match kind {
        0 => Fault::Cut,
        1 if chance.one_in(2) => Fault::CutWrite(chance.of(&[1, 30, 600, 9_000, 200_000]).min(chance.next())),
        1 | 2 => Fault::CutAt {
            incoming: chance.one_in(2),
            bytes: chance.of(&[1, 30, 600, 9_000, 200_000]).min(chance.next()),
        },
        3 => Fault::Refuse,
        4 => Fault::Hole,
        5 => Fault::HalfOpen,
        6 => Fault::Pause,
        7 => Fault::PauseWrites,
        8 => Fault::Slow(chance.ms(1, 3000)),
        9 => Fault::Heavy(chance.ms(1, 300)),
        10 | 11 => Fault::Say(chance.below(REFUSALS.len() as u64) as usize),
        12 => Fault::Proxy(chance.below(OF_PROXIES.len() as u64) as usize),
        13 => Fault::Flush,
        14 => Fault::Restart { loses: chance.one_in(2) },
        15 => Fault::Drip,
        16 => Fault::Endless,
        17 => chance.of(&[Fault::Garbage, Fault::Wrong]),
        18 => Fault::Twice,
        19 => Fault::NoReplica { error: chance.one_in(2) },
        _ => Fault::Failover { dies: chance.one_in(2), loses: chance.below(4) },
    }
}

fn caller(chance: &mut Chance, span: u64, second: bool) -> Caller {
    Caller {
        queue: chance.below(3) as usize,
        first: chance.ms(0, 200),
        bursts: chance.between(1, 12),
        pause: chance.between(1, 1 + span / 3),
        most: chance.of(&[1, 1, 3, 3, 10, 20, 200]),
        ids: chance.of(&[3, 1_000_000, 1_000_000]),
        moves: (second && chance.one_in(2)).then(|| chance.ms(0, span)),
    }
}
