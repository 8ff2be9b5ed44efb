//! Python values to the core's tape, times to microseconds, names to the core's enums.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use undaunted::tape::Writer;

/// A number as a JSON text has it: kept as digits, so that nothing is lost on the way to the core.
#[pyclass(frozen, module = "undaunted._core")]
pub struct Digits {
    text: String,
}

#[pymethods]
impl Digits {
    #[new]
    fn new(text: String) -> Digits {
        Digits { text }
    }
}

/// The members of a JSON object in their order, repeated names included.
#[pyclass(frozen, module = "undaunted._core")]
pub struct Pairs {
    pairs: Vec<(String, Py<PyAny>)>,
}

#[pymethods]
impl Pairs {
    #[new]
    fn new(pairs: Vec<(String, Py<PyAny>)>) -> Pairs {
        Pairs { pairs }
    }
}

/// A value as a tape.
pub fn tape(value: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    let mut tape = Vec::new();
    write_tape(value, 0, &mut Writer::new(&mut |bytes| tape.extend_from_slice(bytes)))?;
    Ok(tape)
}

/// Writes a value: what JSON knows, a timedelta in microseconds, everything else by its description.
fn write_tape(value: &Bound<'_, PyAny>, depth: u32, writer: &mut Writer<'_>) -> PyResult<()> {
    if depth > MAX_DEPTH {
        writer.other("something nested too deeply");
    } else if value.is_none() {
        writer.null();
    } else if let Ok(flag) = value.cast::<PyBool>() {
        writer.bool(flag.is_true());
    } else if let Ok(text) = value.cast::<PyString>() {
        writer.text(&text.to_string_lossy());
    } else if let Ok(digits) = value.cast::<Digits>() {
        writer.number(&digits.get().text);
    } else if value.is_instance_of::<PyInt>() {
        writer.number(&integer_digits(value));
    } else if let Ok(number) = value.cast::<PyFloat>() {
        writer.number(&float_digits(number)?);
    } else if let Ok(pairs) = value.cast::<Pairs>() {
        writer.map();
        for (key, item) in &pairs.get().pairs {
            writer.text(key);
            write_tape(item.bind(value.py()), depth + 1, writer)?;
        }
        writer.end_map();
    } else if let Ok(map) = value.cast::<PyDict>() {
        writer.map();
        for (key, item) in map.iter() {
            writer.text(&key.str()?.to_string_lossy());
            write_tape(&item, depth + 1, writer)?;
        }
        writer.end_map();
    } else if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
        writer.list();
        for item in value.try_iter()? {
            write_tape(&item?, depth + 1, writer)?;
        }
        writer.end_list();
    } else if let Some(micros) = timedelta_micros(value) {
        writer.micros(&micros.to_string());
    } else if value.get_type().name()?.to_string_lossy() == "Decimal" {
        writer.number(&value.str()?.to_string_lossy());
    } else if value.is_callable() {
        writer.other("a function");
    } else {
        writer.other(&format!("a {}", value.get_type().name()?.to_string_lossy()));
    }
    Ok(())
}

/// Whole microseconds of a `datetime.timedelta`, recognised by its fields, so that `datetime` need not be loaded.
pub fn timedelta_micros(value: &Bound<'_, PyAny>) -> Option<i128> {
    let field = |name: &str| value.getattr(name).ok()?.extract::<i128>().ok();
    if value.is_instance_of::<PyFloat>() || value.is_instance_of::<PyInt>() {
        return None;
    }
    let (days, seconds, micros) = (field("days")?, field("seconds")?, field("microseconds")?);
    Some((days * 86_400 + seconds) * 1_000_000 + micros)
}

/// An instant or a length in seconds as whole microseconds; below zero and not-a-number count as 0.
pub fn micros(seconds: f64) -> u64 {
    (seconds * 1e6).round() as u64
}

/// Whole microseconds as seconds: the float nearest to the exact value.
pub fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

/// The value that a name stands for.
pub fn named<T: Copy>(names: &[&str], all: &[T], kind: &str, name: &str) -> PyResult<T> {
    let found = names.iter().position(|known| *known == name).and_then(|at| all.get(at));
    found.copied().ok_or_else(|| PyValueError::new_err(format!("{kind} is {name:?}, allowed {}", names.join(", "))))
}

/// Text that the core hands out in pieces.
pub fn collect(write: impl FnOnce(&mut dyn FnMut(&[u8]))) -> String {
    let mut bytes = Vec::new();
    write(&mut |piece| bytes.extend_from_slice(piece));
    String::from_utf8_lossy(&bytes).into_owned()
}

fn integer_digits(value: &Bound<'_, PyAny>) -> String {
    // int.__str__, whatever a subclass (an IntEnum, say) prints; Python refuses to print more than some thousand digits.
    match value.call_method1("__format__", ("d",)) {
        Ok(text) => text.to_string(),
        Err(_) => "1e9999".to_owned(),
    }
}

fn float_digits(number: &Bound<'_, PyFloat>) -> PyResult<String> {
    let value = number.value();
    Ok(match value {
        _ if value.is_nan() => "NaN".to_owned(),
        _ if value.is_infinite() && value > 0.0 => "Infinity".to_owned(),
        _ if value.is_infinite() => "-Infinity".to_owned(),
        _ => PyFloat::new(number.py(), value).repr()?.to_string(),
    })
}

const MAX_DEPTH: u32 = 64;
