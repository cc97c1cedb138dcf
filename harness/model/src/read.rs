//! What can be written in several ways, read so that an error says what is wanted and where: an untagged enum of serde
//! forgets both.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::fact::Value;

/// A value, or a map of something else.
pub(crate) enum ValueOr<M> {
    /// A value.
    Value(Value),
    /// A map.
    Map(M),
}

/// A value or a map; `wanted` says what both are.
///
/// # Errors
/// It is neither.
pub(crate) fn value_or<'de, M: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
    wanted: &'static str,
) -> Result<ValueOr<M>, D::Error> {
    deserializer.deserialize_any(ValueVisitor {
        wanted,
        map: PhantomData,
    })
}

/// No map is a value.
#[derive(Debug)]
enum NoMap {}

impl<'de> Deserialize<'de> for NoMap {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(D::Error::custom(format!("expected {VALUE}, not a map")))
    }
}

const VALUE: &str = "a value: true or false, a whole number, a text, or a list of texts";

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match value_or::<NoMap, D>(deserializer, VALUE)? {
            ValueOr::Value(value) => Ok(value),
            ValueOr::Map(none) => match none {},
        }
    }
}

struct ValueVisitor<M> {
    wanted: &'static str,
    map: PhantomData<M>,
}

impl<'de, M: Deserialize<'de>> Visitor<'de> for ValueVisitor<M> {
    type Value = ValueOr<M>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.wanted)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<ValueOr<M>, E> {
        Ok(ValueOr::Value(Value::Bool(value)))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<ValueOr<M>, E> {
        Ok(ValueOr::Value(Value::Int(value)))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<ValueOr<M>, E> {
        let fits = |_| E::custom(format!("{value} is too large for a value: write it in quotes"));
        i64::try_from(value)
            .map_err(fits)
            .and_then(|value| self.visit_i64(value))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<ValueOr<M>, E> {
        Ok(ValueOr::Value(Value::from(text)))
    }

    fn visit_unit<E: Error>(self) -> Result<ValueOr<M>, E> {
        Err(E::custom(format!(
            "expected {}, not null; `(absent)` stands for a fact that is not there",
            self.wanted
        )))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<ValueOr<M>, A::Error> {
        let texts = Vec::<ItemText>::deserialize(SeqAccessDeserializer::new(items))?;
        let items: Vec<String> = texts.into_iter().map(|text| text.0).collect();
        Ok(ValueOr::Value(Value::List(items)))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ValueOr<M>, A::Error> {
        M::deserialize(MapAccessDeserializer::new(map)).map(ValueOr::Map)
    }
}

/// An entry of a list, which is a text.
struct ItemText(String);

impl<'de> Deserialize<'de> for ItemText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl Visitor<'_> for TextVisitor {
            type Value = ItemText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text; a list holds texts only, in quotes where they read as something else")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<ItemText, E> {
                Ok(ItemText(text.to_owned()))
            }
        }
        deserializer.deserialize_any(TextVisitor)
    }
}

/// One of something that is written as a text, or a list of it; `wanted` says what both are.
///
/// # Errors
/// It is neither.
pub(crate) fn one_or_list<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
    wanted: &'static str,
) -> Result<OneOrList<T>, D::Error> {
    deserializer.deserialize_any(ListVisitor {
        wanted,
        of: PhantomData,
    })
}

/// One, or a list.
pub(crate) enum OneOrList<T> {
    /// One.
    One(T),
    /// A list.
    List(Vec<T>),
}

struct ListVisitor<T> {
    wanted: &'static str,
    of: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
    type Value = OneOrList<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.wanted)
    }

    fn visit_bool<E: Error>(self, word: bool) -> Result<OneOrList<T>, E> {
        T::deserialize(serde::de::value::BoolDeserializer::new(word)).map(OneOrList::One)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<OneOrList<T>, E> {
        T::deserialize(serde::de::value::StrDeserializer::new(text)).map(OneOrList::One)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<OneOrList<T>, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(items)).map(OneOrList::List)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{Expectation, Watch};
    use crate::finding::{Instead, Sign};
    use crate::known::Because;

    fn error<T: for<'de> Deserialize<'de> + fmt::Debug>(yaml: &str) -> String {
        serde_yaml::from_str::<T>(yaml).expect_err(yaml).to_string()
    }

    #[test]
    fn values_are_read_as_they_are_written() {
        for value in [
            Value::Bool(true),
            Value::Int(-3),
            Value::from("3"),
            Value::from(""),
            Value::List(vec!["1".to_owned(), "a".to_owned()]),
            Value::List(Vec::new()),
        ] {
            let (yaml, json) = (serde_yaml::to_string(&value), serde_json::to_string(&value));
            let (yaml, json) = (yaml.expect("YAML"), json.expect("JSON"));
            assert_eq!(serde_yaml::from_str::<Value>(&yaml).expect(&yaml), value);
            assert_eq!(serde_json::from_str::<Value>(&json).expect(&json), value);
        }
    }

    #[test]
    fn what_can_be_written_in_several_ways_says_which_if_it_is_neither() {
        for (told, expected) in [
            (
                error::<Value>("null"),
                "expected a value: true or false, a whole number, a text, or a list of texts, not null",
            ),
            (error::<Value>("{a: 1}"), "not a map"),
            (error::<Value>("1.5"), "expected a value: true or false"),
            (error::<Value>("[1]"), "expected a text; a list holds texts only"),
            (error::<Value>("18446744073709551615"), "write it in quotes"),
            (
                error::<Expectation>("null"),
                "{is: VALUE, or: [OTHER VALUES], requirement: ID}",
            ),
            (error::<Expectation>("{iss: 1}"), "unknown field `iss`"),
            (error::<Instead>("{one-off: [1]}"), "unknown field `one-off`"),
            (
                error::<Instead>("{is: 1, has: x}"),
                "a condition is one of is, one-of",
            ),
            (error::<Instead>("null"), "a condition such as {one-of: [V, ...]}"),
            (
                error::<Sign>("{fact: a, is: 1, instead: {one-off: [1]}}"),
                "unknown field `one-off`",
            ),
            (error::<Watch>("[5]"), "the text of a path"),
            (error::<Watch>("true"), "a list of paths, or `false`"),
            (error::<Watch>("caps"), "a list of paths, or `false`"),
            (error::<Because>("5"), "a finding, or a list of findings"),
            (error::<Because>("[5]"), "COMPONENT/SLUG"),
            (error::<Because>("Crun"), "COMPONENT/SLUG"),
        ] {
            assert!(
                told.contains(expected) && !told.contains("untagged"),
                "{expected}: {told}"
            );
        }
    }
}
