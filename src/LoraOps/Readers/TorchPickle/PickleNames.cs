using System.Collections.Frozen;
using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Readers.TorchPickle;

/// <summary>A name of Python that is allowed to stand in the stream.</summary>
/// <param name="Name">Module and name.</param>
internal sealed record PickledName(string Name);

/// <summary>A dictionary of the stream, in its order; keys may be anything.</summary>
internal sealed class PickledDictionary
{
    public List<(object? Key, object? Value)> Items { get; } = [];
}

/// <summary>Bytes of the archive that tensors view.</summary>
/// <param name="Key">The entry <c>data/KEY</c>.</param>
/// <param name="Type">The type of its elements; null for plain bytes.</param>
/// <param name="Count">How many elements.</param>
internal sealed record PickledStorage(string Key, ElementType? Type, long Count);

/// <summary>A view of a storage, not checked yet.</summary>
/// <param name="Storage">The storage.</param>
/// <param name="Type">The type of the elements.</param>
/// <param name="Offset">The first element.</param>
/// <param name="Sizes">The dimensions.</param>
/// <param name="Strides">The step of each dimension, in elements.</param>
internal sealed record PickledTensor(PickledStorage Storage, ElementType Type, long Offset, long[] Sizes, long[] Strides);

/// <summary>
/// The names that a state dict needs (those of PyTorch's weights-only unpickler that concern tensors), and what calling them
/// describes. All others are refused, whether they are called or not.
/// </summary>
internal static class PickleNames
{
    private const string Dictionary = "collections.OrderedDict";
    private const string TypedTensor = "torch._utils._rebuild_tensor_v2";
    private const string UntypedTensor = "torch._utils._rebuild_tensor_v3";
    private const string Parameter = "torch._utils._rebuild_parameter";
    private const string FromType = "torch._tensor._rebuild_from_type_v2";
    private const string Size = "torch.Size";
    private const string Device = "torch.device";
    private const string UntypedStorage = "torch.storage.UntypedStorage";

    private static readonly FrozenDictionary<string, ElementType> Storages = new Dictionary<string, ElementType>
    {
        ["torch.BFloat16Storage"] = ElementType.BF16,
        ["torch.BoolStorage"] = ElementType.Bool,
        ["torch.ByteStorage"] = ElementType.U8,
        ["torch.CharStorage"] = ElementType.I8,
        ["torch.DoubleStorage"] = ElementType.F64,
        ["torch.FloatStorage"] = ElementType.F32,
        ["torch.HalfStorage"] = ElementType.F16,
        ["torch.IntStorage"] = ElementType.I32,
        ["torch.LongStorage"] = ElementType.I64,
        ["torch.ShortStorage"] = ElementType.I16,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    // What _rebuild_tensor_v3 names: types that have no storage class of their own.
    private static readonly FrozenDictionary<string, ElementType> Types = new Dictionary<string, ElementType>
    {
        ["torch.float8_e4m3fn"] = ElementType.F8E4M3,
        ["torch.float8_e4m3fnuz"] = ElementType.F8E4M3Fnuz,
        ["torch.float8_e5m2"] = ElementType.F8E5M2,
        ["torch.float8_e5m2fnuz"] = ElementType.F8E5M2Fnuz,
        ["torch.uint16"] = ElementType.U16,
        ["torch.uint32"] = ElementType.U32,
        ["torch.uint64"] = ElementType.U64,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    // torch.Tensor and Parameter are only ever the type argument of FromType.
    private static readonly FrozenSet<string> Others =
        ((string[])[
            Dictionary, TypedTensor, UntypedTensor, Parameter, FromType, Size, Device, UntypedStorage, "torch.Tensor",
            "torch.nn.parameter.Parameter",
        ]).ToFrozenSet(StringComparer.Ordinal);

    /// <summary>A name as a symbol.</summary>
    /// <exception cref="LoraOpsException">It is not one of the few.</exception>
    public static PickledName Global(string path, string module, string name)
    {
        var full = $"{module}.{name}";
        return Others.Contains(full) || Storages.ContainsKey(full) || Types.ContainsKey(full)
            ? new PickledName(full)
            : throw new LoraOpsException(TorchProblems.PickleRefused(path, $"the name '{TorchProblems.Shown(full)}'"));
    }

    /// <summary>What a persistent id describes: ("storage", its type, its key, where it was, how many elements).</summary>
    /// <exception cref="LoraOpsException">It is something else.</exception>
    public static PickledStorage Storage(string path, object? id)
    {
        if (id is object?[] and ["storage", PickledName { Name: var name }, string key, string, long count])
        {
            if (Storages.TryGetValue(name, out var type))
                return new PickledStorage(key, type, count);

            if (name == UntypedStorage)
                return new PickledStorage(key, null, count);
        }

        throw new LoraOpsException(TorchProblems.PickleRefused(path, "a persistent object that is no storage"));
    }

    /// <summary>What a call describes.</summary>
    /// <exception cref="LoraOpsException">It calls something that cannot be called, or with arguments of another kind.</exception>
    public static object? Call(string path, object? callee, object? arguments) => (callee, arguments) switch
    {
        (PickledName { Name: Dictionary }, object?[] and []) => new PickledDictionary(),
        (PickledName { Name: Size }, object?[] and [object?[] sizes]) => sizes,
        (PickledName { Name: Size }, object?[] and [List<object?> sizes]) => sizes.ToArray(),
        (PickledName { Name: Device }, object?[]) => null,
        (PickledName { Name: Parameter }, object?[] and [PickledTensor tensor, ..]) => tensor,
        (PickledName { Name: FromType }, object?[] and
            [PickledName { Name: TypedTensor or UntypedTensor or Parameter } inner, PickledName, object?[] rest, ..]) => Call(path, inner, rest),
        (PickledName { Name: TypedTensor }, object?[] and
            [PickledStorage { Type: { } type } storage, long offset, object?[] sizes, object?[] strides, ..]) =>
            new PickledTensor(storage, type, offset, Numbers(path, sizes), Numbers(path, strides)),
        (PickledName { Name: UntypedTensor }, object?[] and
            [PickledStorage storage, long offset, object?[] sizes, object?[] strides, _, _, PickledName { Name: var name }, ..])
            when Types.TryGetValue(name, out var type) =>
            new PickledTensor(storage, type, offset, Numbers(path, sizes), Numbers(path, strides)),
        (PickledName { Name: var name }, _) => throw new LoraOpsException(
            TorchProblems.PickleRefused(path, $"a call of '{name}' with arguments that it does not take")),
        _ => throw new LoraOpsException(TorchProblems.PickleRefused(path, "a call of something that is no function")),
    };

    private static long[] Numbers(string path, object?[] values) => Array.TrueForAll(values, value => value is long)
        ? Array.ConvertAll(values, value => (long)value!)
        : throw new LoraOpsException(TorchProblems.PickleRefused(path, "a shape of something else than whole numbers"));
}
