//! A small builder of ONNX graphs: every call adds one node and returns its output's name.

use super::messages::{
    ATTRIBUTE_INT, ATTRIBUTE_INTS, Attribute, Dimension, Extent, FLOAT, Graph, INT32, INT64, Initializer,
    Node, TensorShape, TensorType, UINT8, ValueInfo, ValueType,
};

/// A graph in the making.
#[derive(Debug, Default)]
pub struct Builder {
    graph: Graph,
}

fn value(name: &str, element: i32, dims: &[usize]) -> ValueInfo {
    let dim = dims.iter().map(|d| Dimension { extent: Some(Extent::Value(*d as i64)) }).collect();
    let tensor = TensorType { element, shape: Some(TensorShape { dim }) };
    ValueInfo { name: name.into(), kind: Some(ValueType { tensor: Some(tensor) }) }
}

/// An integer attribute.
pub fn int(name: &str, i: i64) -> Attribute {
    Attribute { name: name.into(), i, kind: ATTRIBUTE_INT, ..Attribute::default() }
}

/// An attribute of integers.
pub fn ints(name: &str, ints: &[i64]) -> Attribute {
    Attribute { name: name.into(), ints: ints.to_vec(), kind: ATTRIBUTE_INTS, ..Attribute::default() }
}

impl Builder {
    /// Declares an f32 input.
    pub fn input(&mut self, name: &str, dims: &[usize]) {
        self.graph.input.push(value(name, FLOAT, dims));
    }

    /// Declares an i32 input of one number.
    pub fn input_id(&mut self, name: &str) {
        self.graph.input.push(value(name, INT32, &[1]));
    }

    /// Declares an f32 output, which some node writes under this name.
    pub fn output(&mut self, name: &str, dims: &[usize]) {
        self.graph.output.push(value(name, FLOAT, dims));
    }

    /// How many constants there are.
    pub fn num_constants(&self) -> usize {
        self.graph.initializer.len()
    }

    fn initializer(&mut self, data_type: i32, dims: &[usize], raw_data: Vec<u8>) -> String {
        let name = format!("constant_{}", self.graph.initializer.len());
        let dims = dims.iter().map(|d| *d as i64).collect();
        self.graph.initializer.push(Initializer { dims, data_type, name: name.clone(), raw_data });
        name
    }

    /// An f32 constant.
    pub fn constant(&mut self, dims: &[usize], values: &[f32]) -> String {
        self.initializer(FLOAT, dims, values.iter().flat_map(|x| x.to_le_bytes()).collect())
    }

    /// A u8 constant.
    pub fn constant_u8(&mut self, dims: &[usize], values: Vec<u8>) -> String {
        self.initializer(UINT8, dims, values)
    }

    /// An i32 constant.
    pub fn constant_i32(&mut self, dims: &[usize], values: &[i32]) -> String {
        self.initializer(INT32, dims, values.iter().flat_map(|x| x.to_le_bytes()).collect())
    }

    /// An i64 vector (shapes and indices).
    pub fn constant_i64(&mut self, values: &[i64]) -> String {
        self.initializer(INT64, &[values.len()], values.iter().flat_map(|x| x.to_le_bytes()).collect())
    }

    /// Adds a node with one output.
    pub fn node(&mut self, op: &str, inputs: &[&str], attributes: Vec<Attribute>) -> String {
        let output = format!("{}_{}", op.to_lowercase(), self.graph.node.len());
        self.named(op, inputs, attributes, &output);
        output
    }

    /// Adds a node with several outputs.
    pub fn node_of<const N: usize>(&mut self, op: &str, inputs: &[&str]) -> [String; N] {
        let nth = self.graph.node.len();
        let outputs = std::array::from_fn(|n| format!("{}_{nth}_{n}", op.to_lowercase()));
        self.push(op, inputs, Vec::new(), outputs.to_vec());
        outputs
    }

    /// Adds a node whose output has this name.
    pub fn named(&mut self, op: &str, inputs: &[&str], attributes: Vec<Attribute>, output: &str) {
        self.push(op, inputs, attributes, vec![output.into()]);
    }

    fn push(&mut self, op: &str, inputs: &[&str], attribute: Vec<Attribute>, output: Vec<String>) {
        self.graph.node.push(Node {
            input: inputs.iter().map(|i| (*i).into()).collect(),
            name: format!("node_{}", output[0]),
            output,
            op_type: op.into(),
            attribute,
        });
    }

    /// Another shape of the same numbers.
    pub fn reshape(&mut self, x: &str, dims: &[usize]) -> String {
        let dims: Vec<i64> = dims.iter().map(|d| *d as i64).collect();
        let shape = self.constant_i64(&dims);
        self.node("Reshape", &[x, &shape], vec![])
    }

    /// Numbers `from..to` along an axis.
    pub fn slice(&mut self, x: &str, axis: i64, from: usize, to: usize) -> String {
        let (from, to, axis) =
            (self.constant_i64(&[from as i64]), self.constant_i64(&[to as i64]), self.constant_i64(&[axis]));
        self.node("Slice", &[x, &from, &to, &axis], vec![])
    }

    /// The finished graph.
    pub fn finish(mut self, name: &str) -> Graph {
        self.graph.name = name.into();
        self.graph
    }
}
