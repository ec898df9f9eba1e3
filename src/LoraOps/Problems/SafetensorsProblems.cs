namespace LoraOps.Problems;

/// <summary>What can be wrong with a safetensors file.</summary>
public static class SafetensorsProblems
{
    /// <summary><see cref="ProblemCode.SafetensorsTooShort"/></summary>
    public static Problem TooShort(string path, long length) =>
        new(ProblemCode.SafetensorsTooShort, path,
            $"has {length} bytes; a safetensors file has at least 8",
            "Copy or download the file again.");

    /// <summary><see cref="ProblemCode.SafetensorsHeaderLimit"/></summary>
    public static Problem HeaderLimit(string path, ulong declared, long limit) =>
        new(ProblemCode.SafetensorsHeaderLimit, path,
            $"declares a header of {declared} bytes; at most {limit} are allowed",
            "Check that it is a safetensors file and export it again.");

    /// <summary><see cref="ProblemCode.SafetensorsHeaderPastEnd"/></summary>
    public static Problem HeaderPastEnd(string path, ulong declared, long length) =>
        new(ProblemCode.SafetensorsHeaderPastEnd, path,
            $"declares a header of {declared} bytes, but only {length - 8} bytes follow the length",
            "Copy or download the file again.");

    /// <summary><see cref="ProblemCode.SafetensorsHeaderNotUtf8"/></summary>
    public static Problem HeaderNotUtf8(string path) =>
        new(ProblemCode.SafetensorsHeaderNotUtf8, path,
            "the header is not UTF-8 text",
            "Export the file again.");

    /// <summary><see cref="ProblemCode.SafetensorsHeaderBom"/></summary>
    public static Problem HeaderBom(string path) =>
        new(ProblemCode.SafetensorsHeaderBom, path,
            "the header begins with a byte order mark; it must begin with '{'",
            "Export the file again.");

    /// <summary><see cref="ProblemCode.SafetensorsHeaderNotJson"/></summary>
    public static Problem HeaderNotJson(string path, long at, string reason) =>
        new(ProblemCode.SafetensorsHeaderNotJson, path,
            $"the header is not JSON at byte {at}: {reason.TrimEnd('.')}",
            "Export the file again.");

    /// <summary><see cref="ProblemCode.SafetensorsHeaderNotObject"/></summary>
    public static Problem HeaderNotObject(string path, string found) =>
        new(ProblemCode.SafetensorsHeaderNotObject, path,
            $"the header is {found}; it must be an object",
            "Export the file again.");

    /// <summary><see cref="ProblemCode.SafetensorsHeaderTooDeep"/></summary>
    public static Problem HeaderTooDeep(string path, int limit) =>
        new(ProblemCode.SafetensorsHeaderTooDeep, path,
            $"the header nests deeper than {limit} levels",
            "Do not use this file: it was made to exhaust a reader.");

    /// <summary><see cref="ProblemCode.SafetensorsTooManyEntries"/></summary>
    public static Problem TooManyEntries(string path, int limit) =>
        new(ProblemCode.SafetensorsTooManyEntries, path,
            $"the header has more than {limit} entries",
            "Do not use this file: it was made to exhaust a reader.");

    /// <summary><see cref="ProblemCode.SafetensorsNameHasNul"/></summary>
    public static Problem NameHasNul(string path, string tensor) =>
        new(ProblemCode.SafetensorsNameHasNul, path,
            $"the name '{tensor}' holds U+0000, which hides the rest of it from other readers",
            "Do not use this file: it may have been tampered with.");

    /// <summary><see cref="ProblemCode.SafetensorsNameTooLong"/></summary>
    public static Problem NameTooLong(string path, string start, int limit) =>
        new(ProblemCode.SafetensorsNameTooLong, path,
            $"the name that begins with '{start}' is longer than {limit} bytes",
            "Export the file again.");

    /// <summary><see cref="ProblemCode.SafetensorsNameTwice"/></summary>
    public static Problem NameTwice(string path, string tensor) =>
        new(ProblemCode.SafetensorsNameTwice, path,
            $"tensor '{tensor}' is described twice",
            "Do not use this file: other readers may see another tensor under this name.");

    /// <summary><see cref="ProblemCode.SafetensorsMetadataTwice"/></summary>
    public static Problem MetadataTwice(string path, string key) =>
        new(ProblemCode.SafetensorsMetadataTwice, path,
            $"'{key}' occurs twice in the metadata",
            "Export the file again.");

    /// <summary><see cref="ProblemCode.SafetensorsMetadataNotText"/></summary>
    public static Problem MetadataNotText(string path, string key, string found) =>
        new(ProblemCode.SafetensorsMetadataNotText, path,
            $"'{key}' is {found}; __metadata__ maps text to text",
            "Save the metadata as strings.");

    /// <summary><see cref="ProblemCode.SafetensorsFieldMissing"/></summary>
    public static Problem FieldMissing(string path, string tensor, string field) =>
        new(ProblemCode.SafetensorsFieldMissing, path,
            $"tensor '{tensor}' has no {field}",
            "Export the file again.");

    /// <summary><see cref="ProblemCode.SafetensorsFieldTwice"/></summary>
    public static Problem FieldTwice(string path, string tensor, string field) =>
        new(ProblemCode.SafetensorsFieldTwice, path,
            $"tensor '{tensor}' has {field} twice",
            "Export the file again.");

    /// <summary><see cref="ProblemCode.SafetensorsFieldWrongKind"/></summary>
    public static Problem FieldWrongKind(string path, string tensor, string field, string found, string allowed) =>
        new(ProblemCode.SafetensorsFieldWrongKind, path,
            $"tensor '{tensor}': {field} is {found}; it must be {allowed}",
            "Export the file again.");

    /// <summary><see cref="ProblemCode.SafetensorsTypeUnknown"/></summary>
    public static Problem TypeUnknown(string path, string tensor, string found, string known) =>
        new(ProblemCode.SafetensorsTypeUnknown, path,
            $"tensor '{tensor}' has dtype '{found}'; known are {known}",
            "Save it as one of these types.");

    /// <summary><see cref="ProblemCode.SafetensorsNumberInvalid"/></summary>
    public static Problem NumberInvalid(string path, string tensor, string field, string found) =>
        new(ProblemCode.SafetensorsNumberInvalid, path,
            $"tensor '{tensor}': {field} holds {found}; allowed are whole numbers from 0, written with digits only",
            "Export the file again.");

    /// <summary><see cref="ProblemCode.SafetensorsNumberTooLarge"/></summary>
    public static Problem NumberTooLarge(string path, string tensor, string field, string found) =>
        new(ProblemCode.SafetensorsNumberTooLarge, path,
            $"tensor '{tensor}': {field} holds {found}; the largest allowed number is {long.MaxValue}",
            "Export the file again.");

    /// <summary><see cref="ProblemCode.SafetensorsRankTooHigh"/></summary>
    public static Problem RankTooHigh(string path, string tensor, int limit) =>
        new(ProblemCode.SafetensorsRankTooHigh, path,
            $"tensor '{tensor}' has more than {limit} dimensions",
            "Export the file again.");

    /// <summary><see cref="ProblemCode.SafetensorsOffsetCount"/></summary>
    public static Problem OffsetCount(string path, string tensor, string found) =>
        new(ProblemCode.SafetensorsOffsetCount, path,
            $"tensor '{tensor}': data_offsets holds {found}; it must hold two numbers, begin and end",
            "Export the file again.");

    /// <summary><see cref="ProblemCode.SafetensorsRangeReversed"/></summary>
    public static Problem RangeReversed(string path, string tensor, long begin, long end) =>
        new(ProblemCode.SafetensorsRangeReversed, path,
            $"tensor '{tensor}' begins at byte {begin} and ends at byte {end}; the end must not come first",
            "Export the file again.");

    /// <summary><see cref="ProblemCode.SafetensorsRangeOverlap"/></summary>
    public static Problem RangeOverlap(string path, string tensor, string other, long begin, long end) =>
        new(ProblemCode.SafetensorsRangeOverlap, path,
            $"tensor '{tensor}' begins at byte {begin}, inside '{other}', which ends at byte {end}; tensors must not share bytes",
            "Export the file again.");

    /// <summary><see cref="ProblemCode.SafetensorsRangeHole"/></summary>
    public static Problem RangeHole(string path, string tensor, long begin, long expected) =>
        new(ProblemCode.SafetensorsRangeHole, path,
            $"tensor '{tensor}' begins at byte {begin}, the tensor before it ends at byte {expected}; every byte must belong to a tensor",
            "Export the file again.");

    /// <summary><see cref="ProblemCode.SafetensorsSizeOverflow"/></summary>
    public static Problem SizeOverflow(string path, string tensor, string shape, string type) =>
        new(ProblemCode.SafetensorsSizeOverflow, path,
            $"tensor '{tensor}': shape {shape} of {type} has a size that does not fit 63 bits",
            "Export the file again.");

    /// <summary><see cref="ProblemCode.SafetensorsSubByte"/></summary>
    public static Problem SubByte(string path, string tensor, string shape, string type) =>
        new(ProblemCode.SafetensorsSubByte, path,
            $"tensor '{tensor}': shape {shape} of {type} does not fill whole bytes",
            "Pad its last dimension.");

    /// <summary><see cref="ProblemCode.SafetensorsSizeMismatch"/></summary>
    public static Problem SizeMismatch(string path, string tensor, string expected, long found) =>
        new(ProblemCode.SafetensorsSizeMismatch, path,
            $"tensor '{tensor}': {expected} bytes, but its data_offsets span {found}",
            "Export the file again.");

    /// <summary><see cref="ProblemCode.SafetensorsDataShort"/></summary>
    public static Problem DataShort(string path, long expected, long found) =>
        new(ProblemCode.SafetensorsDataShort, path,
            $"has {found} bytes of tensor data; its header describes {expected}",
            "Copy or download the file again.");

    /// <summary><see cref="ProblemCode.SafetensorsDataTrailing"/></summary>
    public static Problem DataTrailing(string path, long expected, long found) =>
        new(ProblemCode.SafetensorsDataTrailing, path,
            $"has {found} bytes of tensor data; its header describes only {expected}",
            "Do not use this file: something was appended to it.");
}
