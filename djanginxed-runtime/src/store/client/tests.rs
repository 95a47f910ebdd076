use std::cell::RefCell;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::*;

#[test]
fn up_to_thirty_days_an_expiry_is_relative() {
    assert_eq!(wire_expiry(1, 1_800_000_000), 1);
    assert_eq!(wire_expiry(2_592_000, 1_800_000_000), 2_592_000);
}

#[test]
fn a_longer_expiry_is_a_date_that_memcached_can_hold() {
    assert_eq!(wire_expiry(2_592_001, 1_800_000_000), 1_802_592_001);
    assert_eq!(wire_expiry(315_360_000, 2_100_000_000), 2_147_483_647);
}

/// A purge asks for a thousand of these at once.
#[tokio::test]
async fn what_is_short_is_not_kept_where_it_is_long() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let key = PageKey::new("", "/a");
    let questions = [
        is_arriving(&key),
        look_at_marker(names::delete(&key).as_bytes()),
    ];
    let lengths = [0, 1];
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        for (name, more) in [names::arrival(&key), names::delete(&key)]
            .iter()
            .flat_map(|name| lengths.map(|more| (name, more)))
        {
            let length = LONGEST_MARK + more;
            let said = format!("VA {length} k{name}\r\n{}\r\n", "9".repeat(length));
            stream.write_all(said.as_bytes()).await.unwrap();
        }
        stream
    };
    let asking = async {
        let received = Received::default();
        let mut wire = Wire::dial(&address, 1 << 20, &received).await.unwrap();
        let mut kept = Vec::new();
        for question in &questions {
            for _ in lengths {
                let head = wire.head(question).await.unwrap();
                kept.push(
                    wire.rest(head)
                        .await
                        .unwrap()
                        .value
                        .map(|value| value.len()),
                );
            }
        }
        kept
    };
    let (_stream, kept) = tokio::join!(server, asking);
    let most = Some(LONGEST_MARK);
    assert_eq!(kept, [most, None, most, None]);
}

/// Its answers echo no key: they are taken for nothing but what they are.
#[tokio::test]
async fn what_is_added_to_an_item_is_answered_by_a_word() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let said = [
        ("STORED", Ok(ReturnCode::Hd)),
        ("NOT_STORED", Ok(ReturnCode::Ns)),
        ("EXISTS", Ok(ReturnCode::Ex)),
        ("NOT_FOUND", Ok(ReturnCode::Nf)),
        ("SERVER_ERROR out of memory", Err(true)),
        ("HD ka", Err(false)),
        ("VA 4 ka", Err(false)),
        ("stored", Err(false)),
        ("", Err(false)),
    ];
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        for (line, _) in said {
            stream
                .write_all(format!("{line}\r\n").as_bytes())
                .await
                .unwrap();
        }
        stream
    };
    let asking = async {
        let mut wire = Wire::dial(&address, 1 << 20, &Received::default())
            .await
            .unwrap();
        let append = Command::append(b"a", [Bytes::from("b"), Bytes::new()]);
        for (line, expected) in said {
            let told = match wire.head(&append).await {
                Ok(head) => Ok(wire.rest(head).await.unwrap().code()),
                Err(error) => Err(StoreError::of_client("", error).is_an_answer()),
            };
            assert_eq!(told, expected, "{line}");
        }
    };
    tokio::join!(server, asking);
}

const MAX_VALUE: usize = 100;

fn keys() -> [PageKey; 3] {
    ["/a", "/b", "/c"].map(|target| PageKey::new("", target))
}

/// What a server says to a client that asks for three pages: good answers and bad
/// ones in any order, cut off anywhere.
fn said() -> impl Strategy<Value = Vec<u8>> {
    let key = select(keys().to_vec());
    let value = vec(any::<u8>(), 0..150);
    let good = (key.clone(), value, select(vec![0_u32, 2, 7])).prop_map(|(key, value, flags)| {
        let head = format!("VA {} f{flags} k{key}\r\n", value.len());
        [head.as_bytes(), &value, b"\r\n"].concat()
    });
    let lie = (key, any::<u64>(), vec(any::<u8>(), 0..40)).prop_map(|(key, length, value)| {
        let head = format!("VA {length} f0 k{key}\r\n");
        [head.as_bytes(), &value, b"\r\n"].concat()
    });
    let word = select(vec![
        "EN\r\n",
        "HD\r\n",
        "NF\r\n",
        "SERVER_ERROR out of memory\r\n",
        "VA\r\n",
        "VA -1 f0\r\n",
        "\r\n",
    ]);
    let word = word.prop_map(|word| word.as_bytes().to_vec());
    let noise = vec(any::<u8>(), 0..1_500);
    let part = prop_oneof![4 => good, 1 => lie, 2 => word, 1 => noise];
    (vec(part, 0..5), any::<prop::sample::Index>(), any::<bool>()).prop_map(|(parts, end, cut)| {
        let mut all = parts.concat();
        if cut {
            all.truncate(end.index(all.len() + 1));
        }
        all
    })
}

/// What three questions are answered with by a server that says `said` and leaves.
fn replies(said: Vec<u8>) -> Vec<Vec<Reply>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            // The client may have had enough.
            let _ = stream.write_all(&said).await;
        };
        let marks = Arc::new(Marks::new(1));
        let client = Client::new(
            &address,
            &marks,
            Layout::Body,
            MAX_VALUE,
            &Received::default(),
        );
        let replies = RefCell::new(Vec::from(keys().map(|_| Vec::new())));
        let asking = client_asks(&client, &replies);
        let both = async { tokio::join!(server, asking) };
        let in_time = timeout(Duration::from_secs(10), both).await;
        assert!(
            in_time.is_ok(),
            "the client waits for a server that has left"
        );
        replies.into_inner()
    })
}

async fn client_asks(client: &Client, replies: &RefCell<Vec<Vec<Reply>>>) {
    let questions = keys().map(Question::Page);
    client
        .ask(&questions, |at, reply| {
            replies.borrow_mut()[at].push(reply);
            ControlFlow::Continue(())
        })
        .await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whatever_a_server_says_each_question_has_one_answer_and_no_foreign_page(said in said()) {
        let wire = said.clone();
        for (key, replies) in keys().iter().zip(replies(said)) {
            let answers: Vec<_> = replies
                .iter()
                .filter(|reply| !matches!(reply, Reply::Announced(_)))
                .collect();
            prop_assert_eq!(answers.len(), 1);
            if let Reply::Page(Ok(Some(found))) = answers[0] {
                prop_assert!(found.entry.body().len() <= MAX_VALUE);
                let own = format!("k{key}\r\n");
                let own = [own.as_bytes(), found.entry.body(), b"\r\n"].concat();
                let is_own = wire.windows(own.len()).any(|window| window == own);
                prop_assert!(is_own, "a page that was not sent under its key");
            }
        }
    }
}
