import type { FieldModel } from './form/fieldModel.ts';

/** The fields that a flow and each of its nodes begin with. */
export function headFields(descriptionPlaceholder: string): readonly FieldModel[] {
  const plain = {
    shape: 'text',
    description: null,
    advanced: false,
    section: null,
    shownWhen: null,
  } as const;
  return [
    { ...plain, widget: 'line', key: 'name', title: 'Name', placeholder: null, mayBeEmpty: false },
    {
      ...plain,
      widget: 'textarea',
      key: 'description',
      title: 'Description',
      placeholder: descriptionPlaceholder,
      mayBeEmpty: true,
    },
  ];
}
