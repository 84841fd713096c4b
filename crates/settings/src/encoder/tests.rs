//! What `config.json` says, and what is refused of it. The files are those that transformers writes.

use super::*;

const FAMILIES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/families");

fn read(family: &str) -> EncoderConfig {
    EncoderConfig::read(&Path::new(FAMILIES).join(family)).unwrap()
}

#[test]
fn the_longest_input_leaves_out_the_positions_that_no_token_has() {
    assert_eq!(read("bert").longest_input, 160);
    assert_eq!(read("roberta").longest_input, 158);
    assert_eq!(read("mpnet").longest_input, 158);
    assert_eq!(read("modernbert").longest_input, 160);
    assert_eq!(read("roberta").positions, Some(Positions { rows: 160, first: 2 }));
    assert_eq!(read("deberta-v3").positions, None);
}

#[test]
fn a_modernbert_of_the_hub_is_read_as_one_that_transformers_5_writes() {
    let old = EncoderConfig::parse(
        r#"{"model_type": "modernbert", "vocab_size": 30, "hidden_size": 8, "num_hidden_layers": 4,
            "num_attention_heads": 2, "intermediate_size": 12, "max_position_embeddings": 160,
            "local_attention": 8, "global_attn_every_n_layers": 3, "global_rope_theta": 160000.0,
            "local_rope_theta": 10000.0, "norm_eps": 1e-05, "norm_bias": false, "attention_bias": false,
            "mlp_bias": false, "hidden_activation": "gelu", "position_embedding_type": "absolute"}"#,
    );
    assert_eq!(old.unwrap(), read("modernbert"));
}

/// The problem with a `config.json` of a family in which one key was changed.
fn problem_with(family: &str, key: &str, value: Value) -> String {
    let text = fs::read_to_string(&Path::new(FAMILIES).join(family).join("config.json")).unwrap();
    let mut config: Value = serde_json::from_str(&text).unwrap();
    config[key] = value;
    EncoderConfig::parse(&config.to_string()).unwrap_err()
}

#[test]
fn what_is_not_supported_is_said() {
    let problem = problem_with("bert", "model_type", "t5".into());
    assert!(
        problem.starts_with("the model type is `t5`, supported are bert, roberta"),
        "{problem}"
    );
    let problem = problem_with("bert", "position_embedding_type", "relative_key".into());
    assert!(problem.contains("only `absolute` is supported"), "{problem}");
    let problem = problem_with("deberta-v3", "conv_kernel_size", 3.into());
    assert!(problem.contains("`conv_kernel_size`"), "{problem}");
    let problem = problem_with("deberta-v3", "pos_att_type", Value::from(vec!["c2p"]));
    assert!(problem.contains("`pos_att_type`"), "{problem}");
    let problem = problem_with("deberta-v3", "position_buckets", (-1).into());
    assert_eq!(problem, "`position_buckets` is -1, expected 2 or more");
    let problem = problem_with("modernbert", "layer_types", Value::from(vec!["full_attention"]));
    assert_eq!(problem, "`layer_types` has 1 layers of 4");
    let problem = problem_with("albert", "inner_group_num", 2.into());
    assert_eq!(problem, "`inner_group_num` is 2, only 1 is supported");
    let problem = problem_with("roberta", "max_position_embeddings", 2.into());
    assert_eq!(problem, "`max_position_embeddings` is 2, expected more than 2");
    let problem = problem_with("bert", "num_attention_heads", 3.into());
    assert!(problem.contains("not a multiple"), "{problem}");
    let problem = problem_with("bert", "hidden_size", 0.into());
    assert_eq!(problem, "`embedding_size` is 0, expected 1 to 65536");
}
