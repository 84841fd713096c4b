//! JSON arrays as lists of numbers.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::row::Cell;

/// A list of numbers, also of numbers that are written as strings. A list in a list, as a batch of one row is
/// saved, is taken as the list.
pub(super) fn cell(json: &str) -> Cell<'_> {
    match serde_json::from_str(json) {
        Ok(Item::List(numbers)) => Cell::Numbers(Cow::Owned(numbers)),
        _ => Cell::Nested(json),
    }
}

enum Item {
    Number(f64),
    List(Vec<f64>),
    Other,
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ItemVisitor)
    }
}

struct ItemVisitor;

impl<'de> Visitor<'de> for ItemVisitor {
    type Value = Item;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_bool<E>(self, _value: bool) -> Result<Item, E> {
        Ok(Item::Other)
    }

    fn visit_i64<E>(self, value: i64) -> Result<Item, E> {
        Ok(Item::Number(value as f64))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Item, E> {
        Ok(Item::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Item, E> {
        Ok(Item::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Item, E> {
        Ok(value.parse().map_or(Item::Other, Item::Number))
    }

    fn visit_unit<E>(self) -> Result<Item, E> {
        Ok(Item::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Item, A::Error> {
        let mut numbers = Vec::new();
        let mut are_numbers = true;
        while let Some(item) = items.next_element()? {
            match item {
                Item::Number(number) => numbers.push(number),
                Item::List(inner) if numbers.is_empty() => numbers = inner,
                Item::List(_) | Item::Other => are_numbers = false,
            }
        }
        Ok(if are_numbers {
            Item::List(numbers)
        } else {
            Item::Other
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Item, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Item::Other)
    }
}
