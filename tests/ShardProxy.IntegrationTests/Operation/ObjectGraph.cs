using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ShardProxy.IntegrationTests.Operation;

/// <summary>
/// What an object holds: itself and everything that its fields reach, save what lies behind objects of types that are
/// shared. Sizes are CoreCLR's on 64 bits: 16 bytes for the object, its fields in natural alignment, and for an array its length.
/// </summary>
internal sealed class ObjectGraph
{
    private readonly HashSet<object> _seen = new(ReferenceEqualityComparer.Instance);
    private readonly Predicate<object> _isShared;

    internal ObjectGraph(object root, Predicate<object> isShared)
    {
        _isShared = isShared;
        var pending = new Stack<object>();
        Visit(root, pending);
        while (pending.TryPop(out var next))
            VisitContents(next, pending);
    }

    internal IEnumerable<object> Objects => _seen;

    internal bool Contains(object candidate) => _seen.Contains(candidate);

    internal static int SizeOf(object instance)
    {
        if (instance is string text)
            return Align(22 + (2 * text.Length));
        if (instance is Array array)
            return Align(24 + (array.Length * SizeOfElement(array.GetType().GetElementType()!)));
        var size = 0;
        foreach (var field in FieldsOf(instance.GetType()))
            size += SizeOfElement(field.FieldType);
        return Math.Max(24, Align(16 + size));
    }

    private static int Align(int size) => (size + 7) & ~7;

    private static int SizeOfElement(Type type)
    {
        if (!type.IsValueType)
            return IntPtr.Size;
        var size = typeof(ObjectGraph).GetMethod(nameof(SizeOfValue), BindingFlags.NonPublic | BindingFlags.Static)!;
        return type.IsByRefLike || type.IsPointer ? IntPtr.Size : (int)size.MakeGenericMethod(type).Invoke(null, null)!;
    }

    private static int SizeOfValue<T>() => Unsafe.SizeOf<T>();

    private void Visit(object? candidate, Stack<object> pending)
    {
        if (candidate is null or Type or MemberInfo or Pointer || candidate.GetType().IsPrimitive || _isShared(candidate) || !_seen.Add(candidate))
            return;
        pending.Push(candidate);
    }

    private void VisitContents(object instance, Stack<object> pending)
    {
        if (instance is string)
            return;
        if (instance is Array array)
        {
            if (!array.GetType().GetElementType()!.IsPrimitive)
            {
                foreach (var element in array)
                    VisitValue(element, pending);
            }
            return;
        }
        VisitFields(instance, instance.GetType(), pending);
    }

    private void VisitValue(object? value, Stack<object> pending)
    {
        if (value is null)
            return;
        if (value.GetType().IsValueType)
            VisitFields(value, value.GetType(), pending);
        else
            Visit(value, pending);
    }

    private void VisitFields(object instance, Type type, Stack<object> pending)
    {
        if (type.IsPrimitive || type.IsEnum)
            return;
        foreach (var field in FieldsOf(type))
        {
            if (!field.FieldType.IsPointer && !field.FieldType.IsByRefLike && !field.FieldType.IsFunctionPointer && !field.FieldType.IsPrimitive)
                VisitValue(field.GetValue(instance), pending);
        }
    }

    private static IEnumerable<FieldInfo> FieldsOf(Type type)
    {
        for (var level = type; level is not null; level = level.BaseType)
        {
            foreach (var field in level.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
                yield return field;
        }
    }
}
