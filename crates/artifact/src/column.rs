//! The columns of a table: how each type of field is stored in Arrow, and the macro that makes the columns of
//! a row type from its fields.
//!
//! A value that may be missing is an `Option`, and a null in the column. No other column holds a null,
//! although Arrow marks lists as columns that may.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, ListArray, ListBuilder, PrimitiveArray,
    StringArray, StringBuilder,
};
use arrow::datatypes::{DataType, Field, Float32Type, Float64Type, UInt32Type, UInt64Type};

use crate::splits::Split;

/// The type of a row's field: it is stored as one column.
pub(crate) trait Column: Sized {
    /// The column's type.
    fn data_type() -> DataType;

    /// Whether Arrow marks the column as one that may hold nulls.
    const NULLABLE: bool = false;

    /// The column of some rows' values.
    fn array<'a>(values: impl Iterator<Item = &'a Self>) -> ArrayRef
    where
        Self: 'a;

    /// The values of a column of this type; an error says which of them is no such value.
    fn values(array: &ArrayRef) -> Result<Vec<Self>, String>;
}

/// The column's name and type. The second argument only says which field is meant, and so its type.
pub(crate) fn field<R, T: Column>(name: &str, _: fn(&R) -> &T) -> Field {
    Field::new(name, T::data_type(), T::NULLABLE)
}

/// The column of one field of some rows.
pub(crate) fn array<R, T: Column + 'static>(rows: &[R], field: fn(&R) -> &T) -> ArrayRef {
    T::array(rows.iter().map(field))
}

/// Makes the functions `schema`, `columns` and `rows` of a [`Row`](crate::table::Row) from the names of its
/// fields, in the order they are stored.
macro_rules! columns {
    ($($field:ident),+ $(,)?) => {
        fn schema() -> arrow::datatypes::Schema {
            arrow::datatypes::Schema::new(vec![
                $(crate::column::field(stringify!($field), |row: &Self| &row.$field)),+
            ])
        }

        fn columns(rows: &[Self]) -> Vec<arrow::array::ArrayRef> {
            vec![$(crate::column::array(rows, |row: &Self| &row.$field)),+]
        }

        fn rows(batch: &arrow::array::RecordBatch) -> Result<Vec<Self>, String> {
            let mut columns = batch.columns().iter();
            $(
                let column = columns.next().expect("the schema was checked");
                let mut $field = crate::column::Column::values(column)?.into_iter();
            )+
            let rows = 0..batch.num_rows();
            rows.map(|_| {
                let row = Self {
                    $($field: $field.next().expect("the columns of a batch are of equal length"),)+
                };
                row.check().map(|()| row)
            })
            .collect()
        }
    };
}
pub(crate) use columns;

impl Column for String {
    fn data_type() -> DataType {
        DataType::Utf8
    }

    fn array<'a>(values: impl Iterator<Item = &'a Self>) -> ArrayRef {
        Arc::new(StringArray::from_iter_values(values))
    }

    fn values(array: &ArrayRef) -> Result<Vec<Self>, String> {
        Ok(strings(array).map(Option::unwrap_or_default).collect())
    }
}

impl Column for Option<String> {
    fn data_type() -> DataType {
        DataType::Utf8
    }

    const NULLABLE: bool = true;

    fn array<'a>(values: impl Iterator<Item = &'a Self>) -> ArrayRef {
        Arc::new(values.map(Option::as_deref).collect::<StringArray>())
    }

    fn values(array: &ArrayRef) -> Result<Vec<Self>, String> {
        Ok(strings(array).collect())
    }
}

impl Column for Split {
    fn data_type() -> DataType {
        DataType::Utf8
    }

    fn array<'a>(values: impl Iterator<Item = &'a Self>) -> ArrayRef {
        Arc::new(StringArray::from_iter_values(values.map(|split| split.name())))
    }

    fn values(array: &ArrayRef) -> Result<Vec<Self>, String> {
        strings(array)
            .map(|name| Self::parse(&name.unwrap_or_default()))
            .collect()
    }
}

impl Column for Option<Split> {
    fn data_type() -> DataType {
        DataType::Utf8
    }

    const NULLABLE: bool = true;

    fn array<'a>(values: impl Iterator<Item = &'a Self>) -> ArrayRef {
        Arc::new(
            values
                .map(|split| split.map(Split::name))
                .collect::<StringArray>(),
        )
    }

    fn values(array: &ArrayRef) -> Result<Vec<Self>, String> {
        strings(array)
            .map(|name| name.map(|name| Split::parse(&name)).transpose())
            .collect()
    }
}

impl Column for bool {
    fn data_type() -> DataType {
        DataType::Boolean
    }

    fn array<'a>(values: impl Iterator<Item = &'a Self>) -> ArrayRef {
        Arc::new(values.map(|&value| Some(value)).collect::<BooleanArray>())
    }

    fn values(array: &ArrayRef) -> Result<Vec<Self>, String> {
        Ok(array.as_boolean().values().iter().collect())
    }
}

impl Column for Option<u64> {
    fn data_type() -> DataType {
        DataType::UInt64
    }

    const NULLABLE: bool = true;

    fn array<'a>(values: impl Iterator<Item = &'a Self>) -> ArrayRef {
        Arc::new(values.copied().collect::<PrimitiveArray<UInt64Type>>())
    }

    fn values(array: &ArrayRef) -> Result<Vec<Self>, String> {
        Ok(array.as_primitive::<UInt64Type>().iter().collect())
    }
}

impl Column for Vec<String> {
    fn data_type() -> DataType {
        list_of(DataType::Utf8)
    }

    const NULLABLE: bool = true;

    fn array<'a>(values: impl Iterator<Item = &'a Self>) -> ArrayRef {
        let mut builder = ListBuilder::new(StringBuilder::new());
        for list in values {
            builder.append_value(list.iter().map(Some));
        }
        Arc::new(builder.finish())
    }

    fn values(array: &ArrayRef) -> Result<Vec<Self>, String> {
        let lists = array.as_list::<i32>();
        (0..lists.len())
            .map(|row| String::values(&lists.value(row)))
            .collect()
    }
}

/// Numbers of a type, and lists of them.
macro_rules! numbers {
    ($($native:ty as $arrow:ty),+) => {$(
        impl Column for $native {
            fn data_type() -> DataType {
                <$arrow>::DATA_TYPE
            }

            fn array<'a>(values: impl Iterator<Item = &'a Self>) -> ArrayRef {
                Arc::new(PrimitiveArray::<$arrow>::from_iter_values(values.copied()))
            }

            fn values(array: &ArrayRef) -> Result<Vec<Self>, String> {
                Ok(array.as_primitive::<$arrow>().values().to_vec())
            }
        }

        impl Column for Vec<$native> {
            fn data_type() -> DataType {
                list_of(<$arrow>::DATA_TYPE)
            }

            const NULLABLE: bool = true;

            fn array<'a>(values: impl Iterator<Item = &'a Self>) -> ArrayRef {
                let lists = values.map(|list| Some(list.iter().copied().map(Some)));
                Arc::new(ListArray::from_iter_primitive::<$arrow, _, _>(lists))
            }

            fn values(array: &ArrayRef) -> Result<Vec<Self>, String> {
                let lists = array.as_list::<i32>();
                (0..lists.len()).map(|row| <$native>::values(&lists.value(row))).collect()
            }
        }
    )+};
}
numbers!(u32 as UInt32Type, f32 as Float32Type, f64 as Float64Type);

/// The type of a list column as Arrow's builders make it.
fn list_of(item: DataType) -> DataType {
    DataType::List(Arc::new(Field::new("item", item, true)))
}

fn strings(array: &ArrayRef) -> impl Iterator<Item = Option<String>> {
    array
        .as_string::<i32>()
        .iter()
        .map(|value| value.map(str::to_owned))
}
