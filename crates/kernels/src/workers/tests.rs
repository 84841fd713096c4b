use std::sync::mpsc;
use std::thread;

use burn::tensor::TensorData;
use labelproof_settings::DeviceChoice;

use super::*;
use crate::device;

fn rendezvous(rank: usize, count: usize, port: u16) -> Rendezvous {
    Rendezvous {
        rank,
        count,
        host: "127.0.0.1".to_owned(),
        port,
        serves: rank == 0,
        prefix: "test".to_owned(),
        patience: Duration::from_secs(30),
    }
}

/// Runs `work` as each of several workers, here on a thread each, and returns what each gave.
fn as_workers<T: Send>(count: usize, work: impl Fn(&Workers) -> T + Sync) -> Vec<T> {
    thread::scope(|scope| {
        let (send, receive) = mpsc::channel();
        let work = &work;
        let first = scope.spawn(move || {
            let place = MeetingPoint::open(rendezvous(0, count, 0)).unwrap();
            send.send(place.port()).unwrap();
            work(&place.meet(DeviceChoice::Cpu, || None).unwrap())
        });
        let port = receive.recv().unwrap();
        let others = (1..count).map(|rank| {
            scope.spawn(move || {
                let place = MeetingPoint::open(rendezvous(rank, count, port)).unwrap();
                work(&place.meet(DeviceChoice::Cpu, || None).unwrap())
            })
        });
        let others: Vec<_> = others.collect();
        let all = std::iter::once(first).chain(others);
        all.map(|worker| worker.join().unwrap()).collect()
    })
}

fn vector(numbers: &[f32]) -> Tensor<1> {
    let device = device::open(DeviceChoice::Cpu).unwrap();
    Tensor::from_data(TensorData::new(numbers.to_vec(), [numbers.len()]), &device)
}

fn numbers(tensor: Tensor<1>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

#[test]
fn each_worker_receives_its_part_of_every_tensor_and_all_get_what_is_gathered() {
    let found = as_workers(3, |workers| {
        let own = f32::from(u8::try_from(workers.rank()).unwrap()) * 10.0;
        let parts: Vec<f32> = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0].map(|place| own + place).to_vec();
        let received = numbers(workers.exchange(vector(&parts)).unwrap());
        let gathered = numbers(workers.gather(vector(&[own])).unwrap());
        let any = [false, workers.rank() == 2].map(|is_so| workers.any(is_so).unwrap());
        (received, gathered, any)
    });
    let received = [
        [0.0, 1.0, 10.0, 11.0, 20.0, 21.0],
        [2.0, 3.0, 12.0, 13.0, 22.0, 23.0],
        [4.0, 5.0, 14.0, 15.0, 24.0, 25.0],
    ];
    for (found, received) in found.into_iter().zip(received) {
        assert_eq!(found, (received.to_vec(), vec![0.0, 10.0, 20.0], [false, true]));
    }
}

#[test]
fn pieces_are_dealt_out_in_turn() {
    let taken = as_workers(2, |workers| {
        (0..5).filter(|&piece| workers.takes(piece)).collect::<Vec<_>>()
    });
    assert_eq!(taken, [vec![0, 2, 4], vec![1, 3]]);
    assert!((0..5).all(|piece| Workers::alone().takes(piece)));
}

#[test]
fn a_worker_with_something_else_is_named() {
    let found = as_workers(3, |workers| {
        workers.agree("test", "subject", "the same").unwrap();
        let value = if workers.rank() == 1 { "b" } else { "a" };
        workers.agree("again", "bundle", value).unwrap_err().to_string()
    });
    for message in found {
        assert_eq!(
            message,
            "worker 1 has another bundle than the first one: b instead of a"
        );
    }
}

#[test]
fn the_words_of_a_worker_that_ended_reach_the_others() {
    let found = as_workers(2, |workers| {
        if workers.rank() == 1 {
            workers.leave_word("no space is left");
            return None;
        }
        let error = workers.gather(vector(&[1.0])).unwrap_err();
        assert!(workers.is_broken());
        Some(error.to_string())
    });
    assert_eq!(found[0].as_deref(), Some("worker 1 failed: no space is left"));
}

#[test]
fn a_worker_that_never_comes_is_missed_in_time() {
    let place = MeetingPoint::open(Rendezvous {
        patience: Duration::from_secs(1),
        ..rendezvous(0, 3, 0)
    })
    .unwrap();
    let error = place.meet(DeviceChoice::Cpu, || None).unwrap_err();
    assert_eq!(error.to_string(), "workers 1, 2 did not come within 1 seconds");
}

#[test]
fn a_process_that_ended_is_not_waited_for() {
    let place = MeetingPoint::open(rendezvous(0, 2, 0)).unwrap();
    let ended = || Some((1, "it ended with exit status: 3".to_owned()));
    let error = place.meet(DeviceChoice::Cpu, ended).unwrap_err();
    assert_eq!(error.to_string(), "worker 1 failed: it ended with exit status: 3");
}

#[test]
fn a_port_that_is_taken_and_a_place_that_does_not_answer_are_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = MeetingPoint::open(rendezvous(0, 2, port)).unwrap_err();
    assert!(matches!(error, WorkersError::Serve { .. }), "{error}");
    drop(taken);
    let error = MeetingPoint::open(Rendezvous {
        patience: Duration::from_secs(1),
        ..rendezvous(1, 2, port)
    })
    .unwrap_err();
    let start = format!("the first worker does not answer at 127.0.0.1:{port}: ");
    assert!(error.to_string().starts_with(&start), "{error}");
}

#[test]
fn a_device_whose_tensors_do_not_travel_is_refused() {
    let place = MeetingPoint::open(rendezvous(0, 2, 0)).unwrap();
    let error = place.meet(DeviceChoice::Flex, || None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "tensors on the device `flex` cannot be exchanged between workers"
    );
}
