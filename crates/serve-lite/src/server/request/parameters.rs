//! The `parameters` of a request, an input or an output.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::server::failure::Failure;

pub(super) type Parameters = BTreeMap<String, Value>;

/// Parameters must be a flat object of strings, numbers and booleans.
pub(super) fn check_parameters(parameters: &Parameters) -> Result<(), Failure> {
    let nested = |value: &&Value| matches!(value, Value::Null | Value::Array(_) | Value::Object(_));
    match parameters.values().find(nested) {
        None => Ok(()),
        Some(_) => Err(Failure::bad("parameters must be strings, numbers or booleans")),
    }
}

/// The value of a parameter that is true or false, if it is set.
pub(super) fn boolean(parameters: &Parameters, key: &str) -> Result<Option<bool>, Failure> {
    let Some(value) = parameters.get(key) else { return Ok(None) };
    let value = value.as_bool();
    value.map(Some).ok_or_else(|| Failure::bad(format!("parameter {key} must be true or false")))
}

/// The value of a parameter that is a whole number, if it is set.
pub(super) fn unsigned(parameters: &Parameters, key: &str) -> Result<Option<u64>, Failure> {
    let Some(value) = parameters.get(key) else { return Ok(None) };
    let value = value.as_u64();
    value
        .map(Some)
        .ok_or_else(|| Failure::bad(format!("parameter {key} must be a whole number, at least 0")))
}
