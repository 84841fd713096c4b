//! The texts that wait for the model: a queue with a limited number of places.
//!
//! A place is taken before a text is tokenised, and free again when the text is answered or its client is gone, so
//! that the limit bounds the memory of everything between the request and its answer.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::Prediction;

/// The places of some texts.
pub(crate) type Places = OwnedSemaphorePermit;

/// What became of a text.
#[derive(Debug)]
pub(crate) struct Answered {
    /// The prediction; `None` where the model failed.
    pub(crate) prediction: Option<Prediction>,
    /// How long the text has waited.
    pub(crate) queue: Duration,
    /// How long the batch took in which it was predicted.
    pub(crate) inference: Duration,
}

/// A text that waits.
#[derive(Debug)]
pub(crate) struct Entry {
    tokens: Vec<u32>,
    since: Instant,
    reply: oneshot::Sender<Answered>,
    _place: Places,
}

impl Entry {
    /// The token ids, which are gone then.
    pub(crate) fn take_tokens(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.tokens)
    }

    /// Gives the answer to the request, which may be gone.
    pub(crate) fn answer(self, prediction: Option<Prediction>, started: Instant, inference: Duration) {
        let queue = started.duration_since(self.since);
        let _ = self.reply.send(Answered {
            prediction,
            queue,
            inference,
        });
    }
}

/// Where requests put their texts.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    sender: Sender<Entry>,
    places: Arc<Semaphore>,
    limit: usize,
}

/// Where the model takes them from.
#[derive(Debug)]
pub(crate) struct Waiting {
    receiver: Receiver<Entry>,
    /// What was received, in the order of arrival.
    ready: VecDeque<Entry>,
}

/// A queue for this many texts.
pub(crate) fn queue(limit: usize) -> (Queue, Waiting) {
    // A semaphore panics where it is to have more places, which nobody fills.
    let limit = limit.min(Semaphore::MAX_PERMITS);
    let (sender, receiver) = mpsc::channel();
    let queue = Queue {
        sender,
        places: Arc::new(Semaphore::new(limit)),
        limit,
    };
    let ready = VecDeque::new();
    (queue, Waiting { receiver, ready })
}

impl Queue {
    /// The places of some texts, if there are as many.
    pub(crate) fn reserve(&self, texts: usize) -> Option<Places> {
        let texts = u32::try_from(texts).ok()?;
        Arc::clone(&self.places).try_acquire_many_owned(texts).ok()
    }

    /// The number of texts that have a place.
    pub(crate) fn len(&self) -> usize {
        self.limit - self.places.available_permits()
    }

    /// Has texts wait in their places. Where nobody predicts any more, the receivers say so.
    pub(crate) fn push(&self, rows: Vec<Vec<u32>>, mut places: Places) -> Vec<oneshot::Receiver<Answered>> {
        let since = Instant::now();
        let mut receivers = Vec::with_capacity(rows.len());
        for tokens in rows {
            let (reply, receiver) = oneshot::channel();
            let place = places.split(1).expect("each text has reserved a place");
            // An error drops the entry, and with it the sender that the receiver waits for.
            let _ = self.sender.send(Entry {
                tokens,
                since,
                reply,
                _place: place,
            });
            receivers.push(receiver);
        }
        receivers
    }
}

impl Waiting {
    /// Waits for texts, and returns those that arrived first, with no more tokens together than asked for, but one
    /// text at least. `None` when nobody can ask any more.
    pub(crate) fn next(&mut self, tokens: usize) -> Option<Vec<Entry>> {
        loop {
            if self.ready.is_empty() {
                self.ready.push_back(self.receiver.recv().ok()?);
            }
            self.ready.extend(self.receiver.try_iter());
            // Of clients that are gone, or whose time is over.
            self.ready.retain(|entry| !entry.reply.is_closed());
            let mut sum = 0;
            let fits = |entry: &&Entry| {
                sum += entry.tokens.len();
                sum <= tokens
            };
            let count = self.ready.iter().take_while(fits).count().max(1);
            let batch: Vec<Entry> = self.ready.drain(..count.min(self.ready.len())).collect();
            if !batch.is_empty() {
                return Some(batch);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(batch: &[Entry]) -> Vec<usize> {
        batch.iter().map(|entry| entry.tokens.len()).collect()
    }

    #[test]
    fn a_batch_has_what_arrived_first_and_no_more_tokens_than_fit() {
        let (queue, mut waiting) = queue(10);
        let rows = [4, 4, 3, 30, 1].map(|length| vec![0; length]);
        let receivers = queue.push(rows.to_vec(), queue.reserve(5).unwrap());
        assert_eq!(lengths(&waiting.next(11).unwrap()), [4, 4, 3]);
        assert_eq!(lengths(&waiting.next(11).unwrap()), [30], "one text at least");
        assert_eq!(lengths(&waiting.next(11).unwrap()), [1]);
        drop(receivers);
        drop(queue);
        assert!(waiting.next(11).is_none());
    }

    #[test]
    fn a_place_is_free_when_its_text_is_answered_and_not_before() {
        let (queue, mut waiting) = queue(3);
        let places = queue.reserve(2).unwrap();
        assert!(queue.reserve(2).is_none());
        let receivers = queue.push(vec![vec![1], vec![2]], places);
        assert_eq!(queue.len(), 2);
        for entry in waiting.next(100).unwrap() {
            entry.answer(None, Instant::now(), Duration::ZERO);
        }
        assert_eq!(queue.len(), 0);
        drop(receivers);
    }

    #[test]
    fn texts_of_clients_that_are_gone_are_not_predicted() {
        let (queue, mut waiting) = queue(3);
        drop(queue.push(vec![vec![1]], queue.reserve(1).unwrap()));
        let _stays = queue.push(vec![vec![2, 3]], queue.reserve(1).unwrap());
        assert_eq!(lengths(&waiting.next(100).unwrap()), [2]);
        assert_eq!(queue.len(), 0);
    }
}
