use undaunted::Policy; // with its feature serde, and serde_json

pub fn policy() -> Result<Policy, serde_json::Error> {
    serde_json::from_str(
        r#"{
  "preset": "aws",
  "attempts": 5,
  "rules": [
    {
      "body_contains": "\"\u0023 busy",
      "class": "throttle"
    }
  ]
}"#,
    )
}
