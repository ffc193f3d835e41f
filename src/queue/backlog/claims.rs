//! Which jobs were made last. One whose link broke, and that finds a job of its id, data and timestamp when it is sent again, has
//! found itself, unless another call of the same millisecond had made that.

/// How many are remembered: those that were answered while it was on its way, many times over.
const MOST: usize = 1 << 12;

#[derive(Default)]
pub struct Claims {
    /// A ring of what each is known by.
    known: Vec<u64>,
    next: usize,
}

impl Claims {
    /// A job was made.
    pub fn note(&mut self, id: &[u8], timestamp: u64) {
        let name = name_of(id, timestamp);
        if self.known.capacity() == 0 {
            self.known.reserve_exact(MOST);
        }
        if self.known.len() < MOST {
            self.known.push(name);
        } else {
            self.known[self.next] = name;
            self.next = (self.next + 1) % MOST;
        }
    }

    /// Whether no other job is known to have been made that looks the same; then it is this one's from here on.
    pub fn claim(&mut self, id: &[u8], timestamp: u64) -> bool {
        let free = !self.known.contains(&name_of(id, timestamp));
        if free {
            self.note(id, timestamp);
        }
        free
    }
}

/// A number that differs where they do, but for one time in many millions. It is worked out for every job.
fn name_of(id: &[u8], timestamp: u64) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let (words, rest) = id.as_chunks::<8>();
    let mut name = timestamp ^ id.len() as u64;
    for word in words {
        name = (name.rotate_left(23) ^ u64::from_le_bytes(*word)).wrapping_mul(ODD);
    }
    for byte in rest {
        name = (name.rotate_left(9) ^ u64::from(*byte)).wrapping_mul(ODD);
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_made_once_is_nobody_elses() {
        let mut claims = Claims::default();
        claims.note(b"a", 1);
        assert!(!claims.claim(b"a", 1));
        assert!(claims.claim(b"a", 2) && !claims.claim(b"a", 2));
        assert!(claims.claim(b"a-longer-one", 1) && claims.claim(b"a-longer-two", 1));
    }

    #[test]
    fn only_the_last_ones_are_remembered() {
        let mut claims = Claims::default();
        for timestamp in 0..=MOST as u64 {
            claims.note(b"a", timestamp);
        }
        assert!(!claims.claim(b"a", MOST as u64) && claims.claim(b"a", 0));
        assert_eq!(claims.known.len(), MOST);
    }
}
